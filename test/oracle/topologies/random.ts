import {
  hopping,
  joinWindows,
  keyValueStore,
  long,
  sessions,
  sliding,
  string,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  windowed,
} from '../../../src/index.ts'
import { type Topologies, batcher, strings, tail, processor } from './shared.ts'

export const topologies: Topologies = {
  'random-count-1'(b) {
    const input = b.stream('in', strings)
    input.groupByKey().count({ store: 'counts' }).toStream().to('out')
  },

  'random-aggregate-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupBy((_, v) => (v === null ? 'g0' : v.slice(0, 2)), strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => (v.endsWith('7') ? null : tail(aggregate + v.slice(2), 12)),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-table-1'(b) {
    const table = b.table('in', { ...strings, store: 'rows' })
    table
      .filter((_, v) => v.length % 2 === 0 || v.endsWith('5'), { store: 'filtered' })
      .toStream()
      .to('filtered')
    table
      .mapValues(v => `${v}!`)
      .filterNot((_, v) => v.endsWith('3!'))
      .toStream()
      .to('mapped', strings)
  },

  'random-grouped-table-1'(b) {
    const rows = b.table('in', strings)
    rows
      .groupBy((_, v) => [v.slice(0, 2), v.slice(2)], strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(`${aggregate}+${v}`, 24),
        (_, v, aggregate) => tail(`${aggregate}-${v}`, 24),
        { store: 'trace', value: string() },
      )
      .toStream()
      .to('out')
    rows.toStream().to('rows')
  },

  'random-grouped-count-1'(b) {
    const rows = b.table('in', strings).filter((_, v) => !v.endsWith('4'))
    rows
      .groupBy((k, v) => [v.slice(0, 2), k], strings)
      .count({ store: 'counts' })
      .groupBy((k, n) => [`size${n}`, k], strings)
      .count({ store: 'sizes' })
      .toStream()
      .to('out')
  },

  'random-table-joins-1'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    const plus = (l: string | null, r: string | null): string => `${l}+${r}`
    left
      .join(right, plus, { store: 'inner-rows', ...strings })
      .toStream()
      .to('inner')
    left.leftJoin(right, plus).toStream().to('left-joined', strings)
    left
      .outerJoin(right, plus, { store: 'outer-rows', ...strings })
      .toStream()
      .to('outer')
  },

  'random-tumbling-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(20, { grace: 15 }))
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-hopping-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(hopping(20, { advance: 7, grace: 10 }))
      .reduce((aggregate, v) => tail(aggregate + v, 16), { store: 'joined' })
      .toStream()
      .to('out')
  },

  'random-stream-table-join-1'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', strings)
    input.join(table, (v, t) => `${v}+${t}`).to('inner', strings)
    input.leftJoin(table, (v, t) => `${v}+${t}`).to('left', strings)
  },

  'random-global-join-1'(b) {
    const table = b.globalTable('table', { ...strings, store: 'rows' })
    const input = b.stream('in', strings)
    input
      .join(
        table,
        (_, v) => (v === null ? null : v.slice(0, 2)),
        (v, t) => `${v}+${t}`,
      )
      .to('inner', strings)
    input
      .leftJoin(
        table,
        k => k,
        (v, t) => `${v}+${t}`,
      )
      .to('left', strings)
  },

  'random-inner-join-1'(b) {
    const windows = joinWindows(25, { before: 8, grace: 20 })
    b.stream('left', strings)
      .join(b.stream('right', strings), (l, r) => `${l}+${r}`, windows)
      .to('out', strings)
  },

  'random-left-join-1'(b) {
    const windows = joinWindows(6, { grace: 8 })
    b.stream('left', strings)
      .leftJoin(b.stream('right', strings), (l, r) => `${l}+${r}`, windows)
      .to('out', strings)
  },

  'random-outer-join-1'(b) {
    const windows = joinWindows(4, { after: 9, grace: 6 })
    b.stream('left', strings)
      .outerJoin(b.stream('right', strings), (l, r) => `${l}+${r}`, windows)
      .to('out', strings)
  },

  'random-self-join-1'(b) {
    const input = b.stream('in', strings)
    const windows = joinWindows(5, { after: 8, grace: 10 })
    input.join(input, (l, r) => `${l}+${r}`, windows).to('out', strings)
  },

  'random-punctuation-1'(b) {
    const definition = keyValueStore('pending', { key: string(), value: long() })
    b.stream('in', strings)
      .process(
        processor(context => {
          const pending = context.store(definition)
          const send = (key: string, value: string, timestamp: number): void =>
            context.forward({ key, value, timestamp, headers: [] })
          context.schedule({ every: 25, type: 'streamTime' }, t =>
            send('stream', `at ${t} ${context.currentSystemTimeMs}`, t),
          )
          context.schedule({ every: 60, type: 'wallClock' }, t => {
            for (const { key, value } of pending.rows()) {
              send(key, `${value} at ${t}`, context.currentStreamTimeMs)
              pending.delete(key)
            }
          })
          return ({ key }) => pending.put(key, (pending.get(key) ?? 0) + 1)
        }),
        { stores: [definition] },
      )
      .to('out', strings)
  },

  'random-versioned-tables-1'(b) {
    const left = b.table('left', { ...strings, store: 'left-rows', historyRetention: 50 })
    const right = b.table('right', { ...strings, store: 'right-rows', historyRetention: 50 })
    left
      .outerJoin(right, (l, r) => `${l}+${r}`)
      .toStream()
      .to('joined', strings)
    left
      .groupBy((_, v) => ['all', v], strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(`${aggregate}+${v}`, 24),
        (_, v, aggregate) => tail(`${aggregate}-${v}`, 24),
        { store: 'trace', ...strings },
      )
      .toStream()
      .to('trace')
  },

  'random-session-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(12, { grace: 15 }))
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        (_, one, two) => tail(one + two, 16),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-sliding-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sliding(15, { grace: 20 }))
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-sliding-early-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sliding(25, { grace: 200 }))
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-final-hopping-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(hopping(20, { advance: 10, grace: 10 }))
      .emitStrategy('onWindowClose')
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        { store: 'joined', value: string(), retention: 5000 },
      )
      .toStream()
      .to('out')
  },

  'random-final-sessions-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(12, { grace: 10 }))
      .emitStrategy('onWindowClose')
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        (_, one, two) => tail(one + two, 16),
        { store: 'joined', value: string(), retention: 5000 },
      )
      .toStream()
      .to('out')
  },

  'random-final-sliding-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sliding(12, { grace: 10 }))
      .emitStrategy('onWindowClose')
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(aggregate + v, 16),
        { store: 'joined', value: string(), retention: 5000 },
      )
      .toStream()
      .to('out')
  },

  'random-cogroup-sessions-1'(b) {
    const left = b.stream('left', strings).groupByKey()
    const right = b.stream('right', strings).groupByKey()
    left
      .cogroup((_, v, aggregate: string) => tail(`${aggregate}L${v}`, 16))
      .cogroup(right, (_, v, aggregate) => tail(`${aggregate}R${v}`, 16))
      .windowedBy(sessions(10, { grace: 15 }))
      .aggregate(
        () => '',
        (_, one, two) => tail(one + two, 16),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-in-memory-1'(b) {
    const grouped = b.stream('in', strings).groupByKey()
    grouped
      .windowedBy(hopping(16, { advance: 8, grace: 8 }))
      .count({ store: 'counts', inMemory: true, retention: 24 })
      .toStream()
      .to('windows')
    grouped
      .windowedBy(sessions(8, { grace: 8 }))
      .count({ store: 'sessions', inMemory: true, retention: 16 })
      .toStream()
      .to('sessions')
  },

  'random-versioned-join-1'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 60 })
    input.leftJoin(table, (v, t) => `${v}+${t}`, { grace: 20 }).to('out', strings)
  },

  'random-suppress-final-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(hopping(20, { advance: 10, grace: 10 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream()
      .to('out', { key: windowed(string(), 20), value: long() })
  },

  'random-suppress-sessions-1'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(12, { grace: 10 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream()
      .to('out')
  },

  'random-suppress-limit-1'(b) {
    const table = b.table('in', strings)
    table
      .suppress(untilTimeLimit(15, { maxRecords: 4 }))
      .toStream()
      .to('out')
  },

  'random-cached-tables-1'(b) {
    const input = b.stream('in', strings)
    const rows = input.processValues(batcher).toTable({ store: 'rows', ...strings })
    rows.toStream().to('rows')
    rows
      .groupBy((_, v) => [v.slice(0, 2), v.slice(2)], strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(`${aggregate}+${v}`, 24),
        (_, v, aggregate) => tail(`${aggregate}-${v}`, 24),
        { store: 'trace', value: string() },
      )
      .toStream()
      .to('out')
  },

  'random-cached-windows-1'(b) {
    const input = b.stream('in', strings)
    input
      .processValues(batcher)
      .groupByKey(strings)
      .windowedBy(hopping(20, { advance: 10, grace: 15 }))
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'random-fk-inner-1'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left
      .join(right, pointer, (l, r) => `${l}+${r}`, { store: 'joined', ...strings })
      .toStream()
      .to('out')
  },

  'random-fk-left-1'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left
      .leftJoin(right, pointer, (l, r) => `${l}+${r}`, { store: 'joined', ...strings })
      .toStream()
      .to('out')
  },

  'random-pipeline-1'(b) {
    const input = b
      .stream('in', strings)
      .filter((_, v) => v !== null)
      .selectKey((_, v) => v.slice(0, 2))
    const table = b.table('table', strings)
    const totals = input
      .leftJoin(table, (_, t) => t ?? 'none', strings)
      .groupBy((_, t) => t, strings)
      .windowedBy(tumbling(30, { grace: 10 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream(({ key }) => key)
      .groupByKey({ key: string(), value: long() })
      .reduce((total, n) => total + n, { store: 'totals' })
    totals.toStream().to('out')
  },
}

/** "r1|a" points at r1, "|a" at nothing. */
function pointer(value: string): string | null {
  return value.startsWith('|') ? null : (value.split('|')[0] ?? null)
}
