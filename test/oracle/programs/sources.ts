import { joiners, of, selectors } from './functions.ts'
import { drawStored, javaStored, type Stored, storedOptions, storedShape } from './materialized.ts'
import {
  as,
  type Built,
  type Call,
  isPlainStream,
  javaNamed,
  maybeName,
  named,
  serdes,
  type Shape,
  stream,
} from './program.ts'
import type { GlobalKTable } from '../../../src/index.ts'
import { key, pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

const text: Shape = { kind: 'stream', value: 'string' }

const globalJoin = (
  method: 'join' | 'leftJoin',
): Call<{ f: string; by: string; name?: string }> => ({
  on: [isPlainStream, ({ kind }) => kind === 'globalTable'],
  draw: draw => ({
    f: key(joiners, draw.random),
    by: key(selectors, draw.random),
    ...maybeName(draw),
  }),
  gives: (_, [shape = nothing]) => shape,
  java: ({ f, by, name }, [on, global]) =>
    `${on}.${method}(${global}, ${of(selectors, by).java}, ${of(joiners, f).java}${javaNamed(name)})`,
  build({ f, by, name }, [on, other]) {
    const joiner = as<(l: string, r: string | null) => string>(of(joiners, f).ts)
    const selector = of(selectors, by).ts
    return method === 'join'
      ? stream(on).join(globalTable(other), selector, joiner, named(name))
      : stream(on).leftJoin(globalTable(other), selector, joiner, named(name))
  },
})

export const sources = {
  stream: {
    on: [],
    draw(draw) {
      // A topic may be read twice.
      const known = draw.topics()
      if (known.length > 0 && draw.random.chance(0.2)) return { topic: pick(known, draw.random) }
      return { topic: draw.fresh('in'), ...maybeName(draw) }
    },
    gives: () => text,
    java: ({ topic, name }) =>
      `b.stream("${topic}", Consumed.with(STRING, STRING)${name === undefined ? '' : `.withName("${name}")`})`,
    build: ({ topic, name }, _, __, b) => b.stream(topic, { ...named(name), ...serdes(text) }),
  } satisfies Call<{ topic: string; name?: string }>,

  table: {
    on: [],
    draw: draw => ({
      topic: draw.fresh('in'),
      ...maybeName(draw),
      stored: withoutName(drawStored(draw, false)),
    }),
    gives: ({ stored }) => storedShape({ kind: 'table', value: 'string' }, stored),
    java: ({ topic, name, stored }) =>
      `b.table("${topic}", Consumed.with(STRING, STRING)${name === undefined ? '' : `.withName("${name}")`}${javaStored(stored, { kind: 'table', value: 'string' })})`,
    build: ({ topic, name, stored }, _, __, b) =>
      b.table(topic, { ...storedOptions(stored, text), ...named(name), ...serdes(text) }),
  } satisfies Call<{ topic: string; name?: string; stored: Stored }>,

  globalTable: {
    on: [],
    draw: draw => ({
      topic: draw.fresh('in'),
      ...(draw.random.chance(0.5) && { store: draw.fresh('store') }),
    }),
    gives: () => ({ kind: 'globalTable', value: 'string' }),
    java: ({ topic, store }) =>
      store === undefined
        ? `b.globalTable("${topic}", Consumed.with(STRING, STRING))`
        : `b.globalTable("${topic}", Consumed.with(STRING, STRING), kv("${store}", STRING))`,
    build: ({ topic, store }, _, __, b) =>
      b.globalTable(topic, { ...(store !== undefined && { store }), ...serdes(text) }),
  } satisfies Call<{ topic: string; store?: string }>,

  globalJoin: globalJoin('join'),
  globalLeftJoin: globalJoin('leftJoin'),
}

function withoutName(stored: Stored): Stored {
  const { store, serdes: own, inMemory, unlogged, historyMs } = stored
  return {
    ...(store !== undefined && { store }),
    ...(own === true && { serdes: own }),
    ...(inMemory === true && { inMemory }),
    ...(unlogged === true && { unlogged }),
    ...(historyMs !== undefined && { historyMs }),
  }
}

const globalTable = (built: Built): GlobalKTable<string, string> => as(built)
