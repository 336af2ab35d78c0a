import {
  type KTable,
  type Windowed,
  untilTimeLimit,
  untilWindowCloses,
} from '../../../src/index.ts'
import {
  as,
  type Call,
  isPlain,
  isTable,
  javaType,
  named,
  serdes,
  type Shape,
  table,
} from './program.ts'
import { pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

interface Limited {
  readonly limitMs: number
  readonly maxRecords?: number
  readonly name?: string
}

const isClosing = (shape: Shape): boolean =>
  isTable(shape) && !isPlain(shape) && shape.windows !== 'unlimited'

const withName = (name: string | undefined): string =>
  name === undefined ? '' : `.withName("${name}")`

export const suppress = {
  suppressLimit: {
    on: [shape => isTable(shape) && shape.windows !== 'unlimited'],
    draw: ({ random, fresh }) => ({
      limitMs: pick([0, 5, 15, 60], random),
      ...(random.chance(0.5) && { maxRecords: pick([1, 2, 5], random) }),
      ...(random.chance(0.3) && { name: fresh('calm') }),
    }),
    gives: (_, [shape = nothing]) => shape,
    java({ limitMs, maxRecords, name }, [on], [shape = nothing]) {
      const [, key = 'String'] = /<(.*), \w+>/.exec(javaType(shape)) ?? []
      const buffer =
        maxRecords === undefined
          ? 'BufferConfig.unbounded()'
          : `BufferConfig.maxRecords(${maxRecords})`
      return `${on}.suppress(Suppressed.<${key}>untilTimeLimit(ms(${limitMs}), ${buffer})${withName(name)})`
    },
    build: ({ limitMs, maxRecords, name }, [on], [shape = nothing]) =>
      table(on).suppress(
        untilTimeLimit(limitMs, { ...(maxRecords !== undefined && { maxRecords }) }),
        { ...named(name), ...serdes(shape) },
      ),
  } satisfies Call<Limited>,

  suppressFinal: {
    on: [isClosing],
    draw: ({ random, fresh }) => ({ ...(random.chance(0.3) && { name: fresh('calm') }) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ name }, [on]) =>
      `${on}.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded())${withName(name)})`,
    build: ({ name }, [on], [shape = nothing]) =>
      as<KTable<Windowed<string>, string>>(on).suppress(untilWindowCloses(), {
        ...named(name),
        ...as<object>(serdes(shape)),
      }),
  } satisfies Call<{ name?: string }>,
}
