import {
  type StreamsBuilder,
  keyValueStore,
  sessions,
  string,
  untilTimeLimit,
} from '../../../src/index.ts'
import { type Topologies, batcher, strings } from './shared.ts'

const countWords = (b: StreamsBuilder): void => {
  const input = b.stream('in', strings)
  input
    .flatMapValues(v => v.split(' '))
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to('out')
}

const countBatches = (b: StreamsBuilder): void => {
  const input = b.stream('in', strings)
  input.processValues(batcher).groupByKey(strings).count({ store: 'counts' }).toStream().to('out')
}

export const topologies: Topologies = {
  'cached-count': countWords,
  'uncached-count': countWords,
  'cached-tiny': countWords,
  'cached-changelog': countBatches,
  'cached-flush-order': countBatches,
  'cached-timestamps': countBatches,

  'cached-delete-and-insert'(b) {
    const input = b.stream('in', strings)
    input
      .processValues(batcher)
      .groupByKey(strings)
      .aggregate<string>(
        () => '',
        (_, v, aggregate) => (v === 'clear' ? null : aggregate + v),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'cached-sessions'(b) {
    const input = b.stream('in', strings)
    input
      .processValues(batcher)
      .groupByKey(strings)
      .windowedBy(sessions(10, { grace: 100 }))
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'cached-store-of-a-processor'(b) {
    const definition = keyValueStore('seen', strings)
    b.addStateStore(definition)
    const input = b.stream('in', strings).flatMapValues(v => v.split(' '))
    input
      .processValues<string>(
        context => {
          const seen = context.store(definition)
          return {
            process(record) {
              seen.put(record.key, (seen.get(record.key) ?? '') + record.value)
              context.forward(record.withValue(seen.get(record.key) ?? ''))
            },
          }
        },
        { stores: ['seen'] },
      )
      .to('out', strings)
  },

  'cached-suppress'(b) {
    const input = b.stream('in', strings).flatMapValues(v => v.split(' '))
    input
      .groupByKey()
      .count({ store: 'counts' })
      .suppress(untilTimeLimit(10, { maxRecords: 1 }))
      .toStream()
      .to('out')
  },

  'cached-switched-off'(b) {
    const input = b.stream('in', strings).flatMapValues(v => v.split(' '))
    input.groupByKey().count({ store: 'eager', caching: false }).toStream().to('eager')
    input.groupByKey().count({ store: 'lazy' }).toStream().to('lazy')
  },

  'cached-table-chain'(b) {
    const input = b.stream('in', strings)
    const rows = input.processValues(batcher).toTable({ store: 'rows', ...strings })
    const mapped = rows.mapValues(v => `${v}!`, { store: 'mapped', value: string() })
    rows
      .join(mapped, (l, r) => `${l}&${r}`, { store: 'joined', value: string() })
      .toStream()
      .to('out')
  },
}
