import {
  joiners,
  longMappers,
  longPredicates,
  longRowSelectors,
  mappers,
  of,
  predicates,
  rowSelectors,
} from './functions.ts'
import { joinTables } from '../topologies/shared.ts'
import { drawStored, javaStored, type Stored, storedOptions, storedShape } from './materialized.ts'
import {
  as,
  type Call,
  isPlain,
  isPlainStream,
  isPlainTable,
  isTable,
  maybeName,
  named,
  serdes,
  type Shape,
  stream,
  table,
} from './program.ts'
import { key, pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

type WithStored<F = object> = F & { readonly stored: Stored }

/** In a table that is not plain nothing is stored here, as its store would be one of windowed keys. */
const filter = (method: 'filter' | 'filterNot'): Call<WithStored<{ f: string }>> => ({
  on: [isTable],
  draw: (draw, [shape = nothing]) => ({
    f: key(shape.value === 'long' ? longPredicates : predicates, draw.random),
    stored: isPlain(shape) ? drawStored(draw, true) : maybeName(draw),
  }),
  gives: ({ stored }, [shape = nothing]) => storedShape(shape, stored),
  java: ({ f, stored }, [on], [shape = nothing]) =>
    `${on}.${method}(${of(predicatesOf(shape), f).java}${javaStored(stored, shape)})`,
  build: ({ f, stored }, [on], [shape = nothing]) =>
    table(on)[method](as(of(predicatesOf(shape), f).ts), storedOptions(stored, shape)),
})

const predicatesOf = ({ value }: Shape): typeof predicates =>
  value === 'long' ? as(longPredicates) : predicates

const join = (method: 'join' | 'leftJoin' | 'outerJoin'): Call<WithStored<{ f: string }>> => ({
  on: [isPlainTable, isPlainTable],
  draw: draw => ({ f: key(joiners, draw.random), stored: drawStored(draw, true) }),
  gives: ({ stored }, [shape = nothing]) => storedShape(shape, stored, 'new'),
  java: ({ f, stored }, [on, other], [shape = nothing]) =>
    `${on}.${method}(${other}, ${of(joiners, f).java}${javaStored(stored, shape)})`,
  build: ({ f, stored }, [on, other], [shape = nothing]) =>
    joinTables(
      method,
      table(on),
      table(other),
      of(joiners, f).ts,
      as(storedOptions(stored, shape)),
    ),
})

export const tables = {
  tableFilter: filter('filter'),
  tableFilterNot: filter('filterNot'),

  tableMapValues: {
    on: [shape => isTable(shape)],
    draw: (draw, [shape = nothing]) => ({
      f: key(shape.value === 'long' ? longMappers : mappers, draw.random),
      stored: isPlain(shape) ? drawStored(draw, true) : maybeName(draw),
    }),
    gives: ({ stored }, [shape = nothing]) =>
      storedShape({ ...shape, value: 'string' }, stored, 'new'),
    java: ({ f, stored }, [on], [shape = nothing]) =>
      `${on}.mapValues(${of(mappersOf(shape), f).java}${javaStored(stored, { ...shape, value: 'string' })})`,
    build: ({ f, stored }, [on], [shape = nothing]) =>
      table(on).mapValues(
        as<(v: string) => string>(of(mappersOf(shape), f).ts),
        storedOptions(stored, { ...shape, value: 'string' }),
      ),
  } satisfies Call<WithStored<{ f: string }>>,

  tableGroupBy: {
    on: [shape => isTable(shape) && isPlain(shape)],
    draw: ({ random, fresh }, [shape = nothing]) => ({
      f: key(shape.value === 'long' ? longRowSelectors : rowSelectors, random),
      ...(random.chance(0.3) && { name: fresh('group') }),
    }),
    gives: () => ({ kind: 'groupedTable', value: 'string' }),
    java: ({ f, name }, [on], [shape = nothing]) =>
      `${on}.groupBy(${of(selectorsOf(shape), f).java}, Grouped.with(${name === undefined ? '' : `"${name}", `}STRING, STRING))`,
    build: ({ f, name }, [on], [shape = nothing]) =>
      table(on).groupBy(of(selectorsOf(shape), f).ts, {
        ...named(name),
        ...as<ReturnType<typeof serdes>>(serdes({ kind: 'table', value: 'string' })),
      }),
  } satisfies Call<{ f: string; name?: string }>,

  windowsGroupBy: {
    on: [shape => isTable(shape) && !isPlain(shape)],
    draw: ({ random, fresh }) => ({ ...(random.chance(0.3) && { name: fresh('group') }) }),
    gives: () => ({ kind: 'groupedTable', value: 'string' }),
    java: ({ name }, [on]) =>
      `${on}.groupBy((w, v) -> KeyValue.pair(w.key(), "" + v), Grouped.with(${name === undefined ? '' : `"${name}", `}STRING, STRING))`,
    build: ({ name }, [on]) =>
      table(on).groupBy((w, v) => [as<{ key: string }>(w).key, String(as<unknown>(v))], {
        ...named(name),
        ...serdes({ kind: 'table', value: 'string' }),
      }),
  } satisfies Call<{ name?: string }>,

  toStream: {
    on: [isTable],
    draw: draw => maybeName(draw),
    gives: (_, [shape = nothing]) => ({ ...shape, kind: 'stream' }),
    java: ({ name }, [on]) => `${on}.toStream(${name === undefined ? '' : `Named.as("${name}")`})`,
    build: ({ name }, [on]) => table(on).toStream(named(name)),
  } satisfies Call<{ name?: string }>,

  toTable: {
    on: [isPlainStream],
    draw: draw => ({ stored: drawStored(draw, true) }),
    gives: ({ stored }, [shape = nothing]) => storedShape({ ...shape, kind: 'table' }, stored),
    java: ({ stored }, [on], [shape = nothing]) =>
      `${on}.toTable(${javaStored(stored, shape).slice(2)})`,
    build: ({ stored }, [on], [shape = nothing]) =>
      stream(on).toTable({ ...serdes(shape), ...storedOptions(stored, shape) }),
  } satisfies Call<WithStored>,

  tableJoin: join('join'),
  tableLeftJoin: join('leftJoin'),
  tableOuterJoin: join('outerJoin'),

  streamTableJoin: streamJoin('join'),
  streamTableLeftJoin: streamJoin('leftJoin'),
  streamVersionedJoin: streamJoin('join', true),
  streamVersionedLeftJoin: streamJoin('leftJoin', true),
}

const mappersOf = ({ value }: Shape): typeof mappers =>
  value === 'long' ? as(longMappers) : mappers

const selectorsOf = ({ value }: Shape): typeof rowSelectors =>
  value === 'long' ? as(longRowSelectors) : rowSelectors

function streamJoin(
  method: 'join' | 'leftJoin',
  waits = false,
): Call<{ f: string; name?: string; graceMs?: number }> {
  return {
    on: [isPlainStream, shape => isPlainTable(shape) && (!waits || shape.historyMs !== undefined)],
    draw: ({ random, fresh }) => ({
      f: key(joiners, random),
      ...(random.chance(0.3) && { name: fresh('join') }),
      ...(waits && { graceMs: pick([0, 10, 30], random) }),
    }),
    gives: (_, [shape = nothing]) => shape,
    java({ f, name, graceMs }, [on, other]) {
      const joined = `Joined.with(STRING, STRING, STRING${name === undefined ? '' : `, "${name}"`})`
      const grace = graceMs === undefined ? '' : `.withGracePeriod(ms(${graceMs}))`
      return `${on}.${method}(${other}, ${of(joiners, f).java}, ${joined}${grace})`
    },
    build({ f, name, graceMs }, [on, other], [shape = nothing]) {
      const joiner = as<(l: string, r: string | null) => string>(of(joiners, f).ts)
      const grace = graceMs === undefined ? {} : { grace: graceMs }
      const options = { ...named(name), ...serdes(shape), ...grace }
      return method === 'join'
        ? stream(on).join(table(other), joiner, options)
        : stream(on).leftJoin(table(other), joiner, options)
    },
  }
}
