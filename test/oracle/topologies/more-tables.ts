import {
  type Grouped,
  keyValueStore,
  type KeyValueStore,
  type KTable,
  long,
  sliding,
  type StreamsBuilder,
  string,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  type ValueTransformer,
  type Windowed,
  windowed,
} from '../../../src/index.ts'
import { type Topologies, log, longs, processor, strings, tail } from './shared.ts'

const plus = (l: string | null, r: string | null): string => `${l}+${r}`

const inWindow = ({ key, window }: Windowed<string>): string => `${key}@${window.start}`

const calmed = (b: StreamsBuilder, limit: number): KTable<string, string> =>
  b.table('in', { ...strings, store: 'rows' }).suppress(untilTimeLimit(limit))

/** Gives each value the one that it was called with before. */
const remember = (): ValueTransformer<string, string, string> => {
  log('init')
  let last: string | null = '-'
  return {
    transform(key, value) {
      log(`transform ${key} ${value}`)
      const result = value === null ? null : `${value}/${last}`
      last = value
      return result
    },
    close: () => log('close'),
  }
}

export const topologies: Topologies = {
  'suppress-max-bytes'(b) {
    const table = b.table('in', strings)
    const calm = table.suppress(untilTimeLimit(1000, { maxBytes: 150 }))
    calm.toStream().to('out')
  },

  'suppress-max-bytes-old-values'(b) {
    const table = b.table('in', { ...strings, store: 'rows' })
    const calm = table.suppress(untilTimeLimit(1000, { maxBytes: 200, maxRecords: 4 }))
    calm.toStream().to('out')
  },

  'suppress-shut-down'(b) {
    const table = b.table('in', strings)
    const calm = table.suppress(untilTimeLimit(1000, { maxRecords: 2, whenFull: 'shutDown' }))
    calm.toStream().to('out')
  },

  'suppress-final-shut-down'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses({ maxRecords: 2 }))
      .toStream(({ key }) => key)
      .to('out', longs)
  },

  'suppress-zero'(b) {
    const table = b.table('in', strings)
    table.suppress(untilTimeLimit(0)).toStream().to('out')
  },

  'suppress-joined'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left.suppress(untilTimeLimit(10)).outerJoin(right, plus).toStream().to('out', strings)
  },

  'suppress-joined-with-itself'(b) {
    const calm = calmed(b, 10)
    const other = calm.mapValues(v => `${v}!`)
    calm.join(other, plus).toStream().to('out', strings)
  },

  'suppress-stream-join'(b) {
    const calm = calmed(b, 10)
    b.stream('s', strings).leftJoin(calm, plus).to('out', strings)
  },

  'suppress-twice'(b) {
    const table = b.table('in', strings)
    table
      .suppress(untilTimeLimit(5, { maxRecords: 3 }))
      .filter((_, v) => !v.endsWith('3'))
      .suppress(untilTimeLimit(20), { name: 'second' })
      .toStream()
      .to('out')
  },

  'suppress-final-sliding'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sliding(10, { grace: 5 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream(({ key, window }) => `${key}@${window.start}/${window.end}`)
      .to('out', longs)
  },

  'suppress-final-cogroup'(b) {
    const left = b.stream('left', strings).groupByKey()
    const right = b.stream('right', strings).groupByKey()
    left
      .cogroup((_, v, aggregate: string) => tail(`${aggregate}L${v}`, 12))
      .cogroup(right, (_, v, aggregate) => tail(`${aggregate}R${v}`, 12))
      .windowedBy(tumbling(10, { grace: 5 }))
      .aggregate(() => '', { store: 'rows', value: string() })
      .suppress(untilWindowCloses())
      .toStream(inWindow)
      .to('out', strings)
  },

  'suppress-final-deleted'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .aggregate(
        () => '',
        (_, v: string | null, aggregate) => (v === null ? null : tail(aggregate + v, 8)),
        { store: 'rows', value: string() },
      )
      .filter((_, v) => !v.endsWith('7'))
      .mapValues(v => `${v}!`)
      .suppress(untilWindowCloses(), { value: string() })
      .toStream(inWindow)
      .to('out', strings)
  },

  'suppress-final-joined'(b) {
    const counts = (topic: string, grace: number, store: string) => {
      const grouped = b.stream(topic, strings).groupByKey()
      return grouped.windowedBy(tumbling(10, { grace })).count({ store })
    }
    const left = counts('left', 5, 'l')
    const right = counts('right', 20, 'r')
    left
      .outerJoin(right, (l, r) => `${l}+${r}`, { key: windowed(string(), 10), value: string() })
      .suppress(untilWindowCloses())
      .toStream(inWindow)
      .to('out', strings)
  },

  'suppress-final-of-counts'(b) {
    const counts: Grouped<Windowed<string>, number> = { key: windowed(string(), 10), value: long() }
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .count({ store: 'counts' })
      .toStream()
      .groupByKey(counts)
      .count()
      .suppress(untilWindowCloses())
      .toStream(inWindow)
      .to('out', longs)
  },

  'suppress-metadata'(b) {
    const table = b.table('in', strings)
    const tell = processor(context => record => {
      const { topic, offset } = context.recordMetadata ?? {}
      log(`${record.key} from ${topic} ${offset}`)
      context.forward(record)
    })
    table.suppress(untilTimeLimit(10)).toStream().process<string, string>(tell).to('out', strings)
  },

  'suppress-no-changelog'(b) {
    const table = b.table('in', { ...strings, store: 'rows' })
    const calm = table.suppress(untilTimeLimit(10), { name: 'quiet', changelog: false })
    calm.toStream().to('out')
  },

  'suppress-null-old-values'(b) {
    const calm = calmed(b, 8).filter((_, v) => v.length % 2 === 0)
    calm.toStream().to('out')
    calm
      .groupBy((k, v) => [tail(v, 1), k], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('counts')
  },

  'transform-old-values'(b) {
    const table = b.table('in', strings)
    table
      .transformValues(remember)
      .groupBy((_, v) => ['all', v], strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => tail(`${aggregate}+${v}`, 30),
        (_, v, aggregate) => tail(`${aggregate}-${v}`, 30),
        { store: 'trace', value: string() },
      )
      .toStream()
      .to('out')
  },

  'transform-joined'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings).transformValues(remember)
    left.join(right, plus).toStream().to('out', strings)
  },

  'transform-joined-nulls'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings).transformValues<string>(() => ({
      transform: (_, value) => `t${value}`,
    }))
    left.leftJoin(right, plus).toStream().to('out', strings)
  },

  'transform-stored'(b) {
    const table = b.table('in', strings)
    table
      .transformValues(remember, { store: 'transformed', value: string() })
      .filter((_, v) => v.length > 5)
      .toStream()
      .to('out')
  },

  'transform-versioned'(b) {
    const table = b.table('in', { ...strings, store: 'rows', historyRetention: 1000 })
    const transformed = table.transformValues(remember)
    transformed.toStream().to('out', strings)
    transformed
      .groupBy((_, v) => ['all', v], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('counts')
  },

  'lru-joined'(b) {
    const table = b.table('in', { ...strings, store: 'rows', maxEntries: 2 })
    b.stream('s', strings).leftJoin(table, plus).to('out', strings)
  },

  'lru-counts'(b) {
    const input = b.stream('in', strings)
    input.groupByKey().count({ store: 'counts', maxEntries: 3 }).toStream().to('out')
  },

  'table-left-join-stored'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    const joined = left.leftJoin(right, (l, r) => (r === null ? null : plus(l, r)), {
      store: 'joined',
      value: string(),
    })
    joined.toStream().to('out')
    joined
      .filter((_, v) => v.length > 5)
      .groupBy((_, v) => ['all', v], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('counts')
  },

  'versioned-deleted-at-once'(b) {
    const table = b.table('in', { ...strings, store: 'rows', historyRetention: 100_000 })
    table
      .groupBy((_, v) => [v.slice(0, 1), v], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'store-time-of-forwarded'(b) {
    const seen = keyValueStore('seen', strings)
    const after = keyValueStore('after', strings)
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .reduce((_, v) => v, { store: 'rows' })
      .suppress(untilTimeLimit(10))
      .toStream()
      .process<string, string>(noting('seen', 1000), { stores: [seen] })
      .process<string, string>(noting('after', 0), { stores: [after] })
      .to('out', strings)
  },
}

/** Puts each record into a store, and forwards it as if it came later. */
const noting = (name: string, laterMs: number) =>
  processor(context => {
    const store = context.store<KeyValueStore<string, string>>(name)
    return record => {
      store.put(record.key, record.value)
      context.forward({ ...record, timestamp: record.timestamp + laterMs })
    }
  })
