import {
  flatMappers,
  longMappers,
  longPredicates,
  mappers,
  of,
  predicates,
  selectors,
} from './functions.ts'
import {
  type Call,
  as,
  isPlain,
  isPlainStream,
  isStream,
  isText,
  javaNamed,
  javaSerdes,
  maybeName,
  named,
  serdes,
  type Shape,
  stream,
} from './program.ts'
import { key } from './random-choice.ts'

interface WithFunction {
  readonly name?: string
  readonly f: string
}

/** A filter of strings or longs. */
const filter = (method: 'filter' | 'filterNot'): Call<WithFunction> => ({
  on: [isStream],
  draw: (draw, [shape]) => ({
    f: key(shape?.value === 'long' ? longPredicates : predicates, draw.random),
    ...maybeName(draw),
  }),
  gives: (_, [shape = nothing]) => shape,
  java: ({ f, name }, [on], [shape = nothing]) =>
    `${on}.${method}(${of(functionsOf(shape), f).java}${javaNamed(name)})`,
  build: ({ f, name }, [on], [shape = nothing]) =>
    stream(on)[method](as(of(functionsOf(shape), f).ts), named(name)),
})

export const nothing: Shape = { kind: 'nothing', value: 'string' }

const functionsOf = ({ value }: Shape): typeof predicates =>
  value === 'long' ? as(longPredicates) : predicates

export const stateless = {
  filter: filter('filter'),
  filterNot: filter('filterNot'),

  mapValues: {
    on: [shape => isStream(shape) && isText(shape)],
    draw: draw => ({ f: key(mappers, draw.random), ...maybeName(draw) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ f, name }, [on]) => `${on}.mapValues(${of(mappers, f).java}${javaNamed(name)})`,
    build: ({ f, name }, [on]) => stream(on).mapValues(of(mappers, f).ts, named(name)),
  } satisfies Call<WithFunction>,

  longToText: {
    on: [shape => isStream(shape) && !isText(shape)],
    draw: draw => ({ f: key(longMappers, draw.random), ...maybeName(draw) }),
    gives: (_, [shape = nothing]) => ({ ...shape, value: 'string' }),
    java: ({ f, name }, [on]) => `${on}.mapValues(${of(longMappers, f).java}${javaNamed(name)})`,
    build: ({ f, name }, [on]) => stream(on).mapValues(as(of(longMappers, f).ts), named(name)),
  } satisfies Call<WithFunction>,

  flatMapValues: {
    on: [shape => isStream(shape) && isText(shape)],
    draw: draw => ({ f: key(flatMappers, draw.random), ...maybeName(draw) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ f, name }, [on]) =>
      `${on}.flatMapValues(${of(flatMappers, f).java}${javaNamed(name)})`,
    build: ({ f, name }, [on]) => stream(on).flatMapValues(of(flatMappers, f).ts, named(name)),
  } satisfies Call<WithFunction>,

  map: {
    on: [isPlainStream],
    draw: draw => ({ f: key(selectors, draw.random), ...maybeName(draw) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ f, name }, [on]) => {
      const [parameters, body] = of(selectors, f).java.split(' -> ')
      return `${on}.map(${parameters} -> KeyValue.pair(${body}, v)${javaNamed(name)})`
    },
    build: ({ f, name }, [on]) =>
      stream(on).map((k, v) => [of(selectors, f).ts(k, v), v], named(name)),
  } satisfies Call<WithFunction>,

  flatMap: {
    on: [isPlainStream],
    draw: draw => ({ f: key(selectors, draw.random), ...maybeName(draw) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ f, name }, [on]) => {
      const [parameters, body] = of(selectors, f).java.split(' -> ')
      return `${on}.flatMap(${parameters} -> List.of(KeyValue.pair(k, v), KeyValue.pair(${body}, v))${javaNamed(name)})`
    },
    build: ({ f, name }, [on]) =>
      stream(on).flatMap(
        (k, v) => [
          [k, v],
          [of(selectors, f).ts(k, v), v],
        ],
        named(name),
      ),
  } satisfies Call<WithFunction>,

  selectKey: {
    on: [isPlainStream],
    draw: draw => ({ f: key(selectors, draw.random), ...maybeName(draw) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ f, name }, [on]) => `${on}.selectKey(${of(selectors, f).java}${javaNamed(name)})`,
    build: ({ f, name }, [on]) => stream(on).selectKey(of(selectors, f).ts, named(name)),
  } satisfies Call<WithFunction>,

  /** The key of a windowed key. */
  unwindow: {
    on: [shape => isStream(shape) && !isPlain(shape)],
    draw: draw => maybeName(draw),
    gives: (_, [shape = nothing]) => ({ kind: 'stream', value: shape.value }),
    java: ({ name }, [on]) => `${on}.selectKey((w, v) -> w.key()${javaNamed(name)})`,
    build: ({ name }, [on]) => stream(on).selectKey(w => as<{ key: string }>(w).key, named(name)),
  } satisfies Call<{ name?: string }>,

  peek: {
    on: [isStream],
    draw: draw => maybeName(draw),
    gives: (_, [shape = nothing]) => shape,
    java: ({ name }, [on]) => `${on}.peek((k, v) -> { }${javaNamed(name)})`,
    build: ({ name }, [on]) => stream(on).peek(() => {}, named(name)),
  } satisfies Call<{ name?: string }>,

  foreach: {
    on: [isStream],
    draw: draw => maybeName(draw),
    gives: () => nothing,
    java: ({ name }, [on]) => `${on}.foreach((k, v) -> { }${javaNamed(name)})`,
    build: ({ name }, [on]) => stream(on).foreach(() => {}, named(name)),
  } satisfies Call<{ name?: string }>,

  merge: {
    on: [isPlainStream, isPlainStream],
    draw: draw => maybeName(draw),
    gives: (_, [shape = nothing]) => shape,
    java: ({ name }, [on, other]) => `${on}.merge(${other}${javaNamed(name)})`,
    build: ({ name }, [on, other]) => stream(on).merge(stream(other), named(name)),
  } satisfies Call<{ name?: string }>,

  /** Gives the first of two branches; the rest has a sink. */
  split: {
    on: [isPlainStream],
    draw: draw => ({
      f: key(predicates, draw.random),
      name: draw.fresh('split-'),
      ...(draw.random.chance(0.5) && { branch: 'first' }),
      rest: draw.fresh('rest'),
    }),
    gives: (_, [shape = nothing]) => shape,
    java({ f, name, branch, rest }, [on]) {
      const first = branch === undefined ? '' : `, Branched.as("${branch}")`
      return (
        `${on}.split(Named.as("${name}")).branch(${of(predicates, f).java}${first})` +
        `.defaultBranch(Branched.withConsumer(s -> s.to("${rest}", Produced.with(STRING, STRING))))` +
        `.get("${name}${branch ?? 1}")`
      )
    },
    build({ f, name, branch, rest }, [on], [shape = nothing]) {
      const branches = stream(on)
        .split({ name })
        .branch(of(predicates, f).ts, named(branch))
        .defaultBranch()
      const byName: Record<string, ReturnType<typeof stream>> = as(branches)
      byName['0']?.to(rest, serdes(shape))
      return byName[branch ?? '1']
    },
  } satisfies Call<{ f: string; name: string; branch?: string; rest: string }>,

  repartition: {
    on: [isPlainStream],
    draw: ({ random, fresh }) => ({ ...(random.chance(0.4) && { name: fresh('part') }) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ name }, [on]) =>
      `${on}.repartition(${name === undefined ? '' : `Repartitioned.as("${name}")`})`,
    build: ({ name }, [on], [shape = nothing]) =>
      stream(on).repartition({ ...named(name), ...serdes(shape) }),
  } satisfies Call<{ name?: string }>,

  to: {
    on: [shape => isStream(shape) && shape.windows !== 'unlimited'],
    draw: ({ random, fresh }) => ({
      topic: fresh('out'),
      ...(random.chance(0.2) && { name: fresh('sink') }),
    }),
    gives: () => nothing,
    java({ topic, name }, [on], [shape = nothing]) {
      const produced = `Produced.with(${javaSerdes(shape)})`
      return `${on}.to("${topic}", ${produced}${name === undefined ? '' : `.withName("${name}")`})`
    },
    build: ({ topic, name }, [on], [shape = nothing]) =>
      stream(on).to(topic, { ...named(name), ...serdes(shape) }),
  } satisfies Call<{ topic: string; name?: string }>,
}
