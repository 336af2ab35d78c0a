import {
  type CogroupedKStream,
  type KGroupedStream,
  sessions,
  sliding,
  tumbling,
} from '../../../src/index.ts'
import { drawResult, type WithStored } from './aggregations.ts'
import { javaStored, storedOptions, storedShape } from './materialized.ts'
import { as, type Built, type Call, type Shape } from './program.ts'
import { pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

const isGrouped = ({ kind, value }: Shape): boolean =>
  kind === 'groupedStream' && value === 'string'
const isCogrouped = ({ kind }: Shape): boolean => kind === 'cogrouped'
const isWindowed = ({ kind }: Shape): boolean =>
  kind === 'windowedCogrouped' || kind === 'sessionCogrouped'

const append =
  (letter: string) =>
  (_: string, v: string, aggregate: string): string =>
    `${aggregate}${letter}${v}`.slice(-14)

/** Several grouped streams, one aggregate. */
export const cogroup = {
  cogroupFirst: {
    on: [isGrouped],
    draw: () => ({}),
    gives: (_, [shape = nothing]) => ({ ...shape, kind: 'cogrouped' }),
    java: (_, [on]) => `${on}.<String>cogroup((k, v, agg) -> tail(agg + "L" + v, 14))`,
    build: (_, [on]) => as<{ cogroup: (f: unknown) => unknown }>(on).cogroup(append('L')),
  } satisfies Call<object>,

  cogroupNext: {
    on: [isCogrouped, isGrouped],
    draw: ({ random }) => ({ letter: pick(['R', 'M', 'N'], random) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ letter }, [on, other]) =>
      `${on}.cogroup(${other}, (k, v, agg) -> tail(agg + "${letter}" + v, 14))`,
    build: ({ letter }, [on, other]) =>
      cogrouped(on).cogroup(as<KGroupedStream<string, string>>(other), append(letter)),
  } satisfies Call<{ letter: string }>,

  cogroupWindows: {
    on: [isCogrouped],
    draw: ({ random }) => ({
      windows: pick(['time', 'sliding', 'session'], random),
      sizeMs: pick([5, 10, 25], random),
      graceMs: pick([0, 5, 50], random),
    }),
    gives({ windows, sizeMs, graceMs }) {
      const shape: Shape = { kind: 'windowedCogrouped', value: 'string', windowMs: sizeMs, graceMs }
      if (windows === 'session') return { ...shape, kind: 'sessionCogrouped', windows: 'session' }
      return windows === 'sliding' ? { ...shape, windows: 'sliding' } : shape
    },
    java({ windows, sizeMs, graceMs }, [on]) {
      const spans = `(ms(${sizeMs}), ms(${graceMs}))`
      if (windows === 'time') return `${on}.windowedBy(TimeWindows.ofSizeAndGrace${spans})`
      return windows === 'sliding'
        ? `${on}.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace${spans})`
        : `${on}.windowedBy(SessionWindows.ofInactivityGapAndGrace${spans})`
    },
    build({ windows, sizeMs, graceMs }, [on]) {
      const options = { grace: graceMs }
      if (windows === 'session') return cogrouped(on).windowedBy(sessions(sizeMs, options))
      return windows === 'sliding'
        ? cogrouped(on).windowedBy(sliding(sizeMs, options))
        : cogrouped(on).windowedBy(tumbling(sizeMs, options))
    },
  } satisfies Call<{ windows: string; sizeMs: number; graceMs: number }>,

  cogroupAggregate: {
    on: [shape => isCogrouped(shape) || isWindowed(shape)],
    draw: (draw, [shape = nothing]) => ({ stored: drawResult(draw, shape, true) }),
    gives: ({ stored }, [shape = nothing]) =>
      storedShape({ ...shape, kind: 'table', value: 'string' }, stored),
    java({ stored }, [on], [shape = nothing]) {
      const merger =
        shape.windows === 'session' ? ', (k, one, two) -> tail(one + "|" + two, 14)' : ''
      return `${on}.aggregate(() -> ""${merger}${javaStored(stored, shape)})`
    },
    build({ stored }, [on], [shape = nothing]) {
      const options = storedOptions(stored, shape)
      const merger = (_: string, one: string, two: string): string => `${one}|${two}`.slice(-14)
      return shape.windows === 'session'
        ? as<Aggregated>(on).aggregate(() => '', merger, options)
        : as<Aggregated>(on).aggregate(() => '', options)
    },
  } satisfies Call<WithStored>,
}

interface Aggregated {
  aggregate(...options: readonly unknown[]): unknown
}

const cogrouped = (built: Built): CogroupedKStream<string, string> => as(built)
