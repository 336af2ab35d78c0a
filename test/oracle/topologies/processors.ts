import {
  type StoreBuilder,
  type StreamsBuilder,
  type TimestampedKeyValueStore,
  type WindowStore,
  keyValueStore,
  lruStore,
  windowStore,
} from '../../../src/index.ts'
import { type Topologies, lifeCycle, longs, processor, strings, text } from './shared.ts'

export const topologies: Topologies = {
  'papi-deduplicate'(b) {
    const seen = windowStore('seen', { ...strings, retention: 100, windowSize: 10 })
    b.stream('in', strings)
      .process(
        processor(context => {
          const store = context.store(seen)
          return record => {
            const { value, timestamp } = record
            const near = store.fetchRange(value, { from: timestamp - 10, to: timestamp + 10 })
            if ([...near].length === 0) context.forward(record)
            store.put(value, '', timestamp)
          }
        }),
        { stores: [seen] },
      )
      .to('out', strings)
  },

  'papi-headers'(_, t) {
    const header = { key: 'new', value: Buffer.from('1') }
    return t
      .addSource('source', 'in', strings)
      .addProcessor(
        'change',
        processor(context => record => {
          context.forward({ ...record, value: 'as it came' })
          context.forward({ ...record, value: 'none', headers: [] })
          context.forward({ ...record, value: 'one', headers: [header] })
          context.forward({ ...record, key: 'k' })
        }),
        'source',
      )
      .addSink('sink', 'out', 'change', strings)
  },

  'papi-life-cycle': (_, t) =>
    t
      .addSource('source', 'in', strings)
      .addProcessor('outer', lifeCycle('outer'), 'source')
      .addProcessor('inner', lifeCycle('inner'), 'outer')
      .addSink('sink', 'out', 'inner', strings),

  'papi-linear': (_, t) =>
    t
      .addSource('source', 'in', strings)
      .addProcessor(
        'twice',
        processor(
          context => record =>
            context.forward({ ...record, value: `${record.value}${record.value}` }),
        ),
        'source',
      )
      .addSink('sink', 'out', 'twice', strings),

  'papi-metadata': (_, t) =>
    t
      .addSource('source', ['left', 'right'], strings)
      .addProcessor(
        'one',
        processor(context => record => {
          context.forward(record)
          context.forward({ ...record, key: 'new', timestamp: 99 })
        }),
        'source',
      )
      .addProcessor(
        'two',
        processor(context => record => {
          const { recordMetadata: metadata, taskId, applicationId } = context
          const place = metadata && `${metadata.topic} ${metadata.partition} ${metadata.offset}`
          context.forward({ ...record, value: `${place ?? 'none'} ${taskId} ${applicationId}` })
        }),
        'one',
      )
      .addSink('sink', 'out', 'two', strings),

  'papi-named-child': (_, t) =>
    t
      .addSource('source', 'in', strings)
      .addProcessor(
        'route',
        processor(context => record => {
          if (record.value.startsWith('to ')) context.forward(record, record.value.slice(3))
          else context.forward(record)
        }),
        'source',
      )
      .addSink('second', 'two', 'route', strings)
      .addSink('first', 'one', 'route', strings)
      .addProcessor(
        'third',
        processor(context => record => context.forward({ ...record, value: `${record.value}!` })),
        'route',
      )
      .addSink('last', 'three', 'third', strings),

  'papi-negative-timestamp': (_, t) =>
    t
      .addSource('source', 'in', strings)
      .addProcessor(
        'shift',
        processor(
          context => record => context.forward({ ...record, timestamp: record.timestamp - 10 }),
        ),
        'source',
      )
      .addSink('sink', 'out', 'shift', strings),

  'papi-pattern-and-routing': (_, t) =>
    t
      .addSource('source', /in-.*/, strings)
      .addProcessor(
        'mark',
        processor(context => record => context.forward({ ...record, value: `${record.value}!` })),
        'source',
      )
      .addSink('sink', (k: string) => `out-${k}`, 'mark', strings),

  'papi-read-only-store'(_, t) {
    const settings = keyValueStore('settings', { ...strings, inMemory: true })
    return t
      .addReadOnlyStateStore<string, string>(settings, {
        source: 'settings-source',
        topic: 'table',
        ...strings,
        processor: 'settings-writer',
        supplier(context) {
          const store = context.store(settings)
          return { process: ({ key, value }) => store.put(key, value) }
        },
      })
      .addSource('source', 'in', strings)
      .addProcessor(
        'look-up',
        processor(context => {
          const store = context.store(settings)
          return record =>
            context.forward({
              ...record,
              value: `${record.value}+${store.get(record.key) ?? null}`,
            })
        }),
        'source',
      )
      .connectProcessorAndStateStores('look-up', 'settings')
      .addSink('sink', 'out', 'look-up', strings)
  },

  'papi-key-change'(b) {
    b.stream('in', strings)
      .process(
        processor(context => record => {
          for (const key of record.value.split(' ')) context.forward({ ...record, key })
        }),
        { name: 'words' },
      )
      .groupByKey(strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out', longs)
  },

  'papi-key-value-store': storeByHand,
  'papi-store-null-key': storeByHand,

  'papi-lru-store'(b) {
    const recent = lruStore('recent', { ...strings, maxEntries: 2 })
    b.stream('in', strings)
      .process<string, string | null>(
        context => {
          const store = context.store(recent)
          return {
            process(record) {
              const { key, value } = record
              if (value === '?') context.forward({ ...record, value: store.get(key) ?? null })
              else store.put(key, value)
            },
          }
        },
        { stores: [recent] },
      )
      .to('out', strings)
  },

  'papi-metadata-after-repartition'(b) {
    b.stream('in', strings)
      .selectKey((_, v) => v)
      .repartition(strings)
      .process(
        processor(context => record => {
          const metadata = context.recordMetadata
          const value = metadata === null ? 'none' : `${metadata.topic} ${metadata.offset}`
          context.forward({ ...record, value })
        }),
      )
      .to('out', strings)
  },

  'papi-read-table-store'(b) {
    b.table('table', { ...strings, store: 'rows' })
    b.stream('in', strings)
      .process(
        processor(context => {
          const rows = context.store<TimestampedKeyValueStore<string, string>>('rows')
          return record => {
            const row = rows.get(record.key)
            const value = row === undefined ? 'none' : `${row.value}@${row.timestamp}`
            context.forward({ ...record, value })
          }
        }),
        { stores: ['rows'] },
      )
      .to('out', strings)
  },

  'papi-window-store': b =>
    windowsByHand(b, windowStore('windows', { ...strings, retention: 100, windowSize: 10 })),

  'papi-window-store-duplicates'(b) {
    const span = { retention: 1000, windowSize: 10 }
    const windows = windowStore('windows', { ...strings, ...span, retainDuplicates: true })
    b.stream('in', strings)
      .process(
        processor(context => {
          const store = context.store(windows)
          return record => {
            const { key, value, timestamp } = record
            store.put(key, value, timestamp)
            const rows = [...store.fetchRange(key, { from: 0, to: 1000 })]
            const answer = text(rows.map(row => [row.windowStart, row.value]))
            context.forward({ ...record, value: answer })
          }
        }),
        { stores: [windows] },
      )
      .to('out', strings)
  },
}

/** Does with its store what the value says. */
function storeByHand(b: StreamsBuilder): void {
  const definition = keyValueStore('rows', strings)
  b.addStateStore(definition)
  b.stream('in', strings)
    .process(
      processor(context => {
        const rows = context.store(definition)
        return record => {
          const { key, value } = record
          const [word, argument] = value.split(' ')
          const pairs = (range: Parameters<typeof rows.rows>[0]): string =>
            text([...rows.rows(range)].map(row => [row.key, row.value]))
          const upTo = argument === undefined ? {} : { to: argument }
          const answer = (): string | null => {
            switch (word) {
              case 'put':
                rows.put(key, argument ?? null)
                return 'done'
              case 'many':
                rows.put(key, argument ?? null)
                rows.put(key + key, argument ?? null)
                return 'done'
              case 'get':
                return rows.get(key) ?? null
              case 'absent':
                return argument === undefined ? null : (rows.putIfAbsent(key, argument) ?? null)
              case 'delete':
                return rows.delete(key) ?? null
              case 'range':
                return pairs({ from: key, ...upTo })
              case 'to':
                return pairs(upTo)
              case 'back':
                return pairs({ from: key, ...upTo, reverse: true })
              case 'reverse':
                return pairs({ reverse: true })
              case 'prefix':
                return pairs({ prefix: Buffer.from(key) })
              case 'size':
                return String(rows.size > 0)
              default:
                return pairs({})
            }
          }
          context.forward({ ...record, value: `${value}: ${answer()}` })
        }
      }),
      { stores: ['rows'] },
    )
    .to('out', strings)
}

/** Does with its window store what the value says. */
export function windowsByHand(
  b: StreamsBuilder,
  windows: StoreBuilder<WindowStore<string, string>>,
): void {
  b.stream('in', strings)
    .process(
      processor(context => {
        const store = context.store(windows)
        return record => {
          const { key, value, timestamp } = record
          const [word, ...more] = value.split(' ')
          const [first = '', second = '', third = ''] = more
          const one = { from: Number(first), to: Number(second) }
          const keys = { fromKey: key, toKey: first, from: Number(second), to: Number(third) }
          const starts = (rows: Iterable<{ windowStart: number; value: string }>): string =>
            text([...rows].map(row => [row.windowStart, row.value]))
          const all = (rows: Iterable<{ key: string; windowStart: number; value: string }>) =>
            text(
              [...rows].map(row => [
                `[${row.key}@${row.windowStart}/${row.windowStart + 10}]`,
                row.value,
              ]),
            )
          const answer = (): string => {
            switch (word) {
              case 'put':
                store.put(key, first === 'null' ? null : first, timestamp)
                return 'done'
              case 'get':
                return String(store.fetch(key, Number(first)) ?? null)
              case 'fetch':
                return starts(store.fetchRange(key, one))
              case 'backward':
                return starts(store.fetchRange(key, { ...one, reverse: true }))
              case 'keys':
                return all(store.rows(keys))
              case 'between':
                return all(store.rows(one))
              default:
                return all(store.rows())
            }
          }
          context.forward({ ...record, value: `${value}: ${answer()}` })
        }
      }),
      { stores: [windows] },
    )
    .to('out', strings)
}
