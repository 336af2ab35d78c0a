import {
  type Processor,
  type ProcessorContext,
  type StreamsBuilder,
  type VersionedRecord,
  untilTimeLimit,
  versionedKeyValueStore,
} from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

const versioned = (name: string, historyRetention: number) => ({
  ...strings,
  store: name,
  historyRetention,
})

export const topologies: Topologies = {
  'versioned-suppress'(b) {
    const table = b.table('in', versioned('rows', 1000))
    table.suppress(untilTimeLimit(10)).toStream().to('out')
  },

  'versioned-put-get': storeByHand,
  'versioned-retention': storeByHand,

  'versioned-table'(b) {
    b.table('in', versioned('rows', 1000)).toStream().to('out')
  },

  'versioned-table-expired'(b) {
    b.table('in', versioned('rows', 50)).toStream().to('out')
  },

  'versioned-changelog'(b) {
    b.table('in', versioned('rows', 1000)).toStream().to('out')
  },

  'versioned-filter-output'(b) {
    b.table('in', versioned('rows', 1000))
      .filter((_, v) => !v.startsWith('x'))
      .toStream()
      .to('out')
  },

  'versioned-group-by'(b) {
    b.table('in', versioned('rows', 1000))
      .groupBy((_, v) => ['all', v], strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => `${aggregate}+${v}`,
        (_, v, aggregate) => `${aggregate}-${v}`,
        { store: 'trace', ...strings },
      )
      .toStream()
      .to('out')
  },

  'versioned-table-join'(b) {
    const left = b.table('left', versioned('left-rows', 1000))
    const right = b.table('right', versioned('right-rows', 1000))
    left
      .join(right, (l, r) => `${l}+${r}`)
      .toStream()
      .to('out', strings)
  },
}

/** Puts, deletes and gets as the values say, and tells what came of it. */
function storeByHand(b: StreamsBuilder): void {
  const versions = versionedKeyValueStore('versions', { ...strings, historyRetention: 1000 })
  const perform = (context: ProcessorContext<string, string>): Processor<string, string> => {
    const store = context.store(versions)
    const show = (version: VersionedRecord<string> | undefined): string =>
      version === undefined ? 'null' : `${version.value}@${version.timestamp}`
    const put = (key: string, value: string, timestamp: number): string => {
      const validTo = store.put(key, value, timestamp)
      if (validTo === null) return 'refused'
      return validTo === Infinity ? '-1' : String(validTo)
    }
    return {
      process(record) {
        const { key, value, timestamp } = record
        const [command = '', argument] = value.split(' ')
        let answer = ''
        if (command === 'put') answer = put(key, argument ?? '', timestamp)
        else if (command === 'delete') answer = show(store.delete(key, timestamp))
        else if (argument === undefined) answer = show(store.get(key))
        else answer = show(store.get(key, Number(argument)))
        context.forward({ ...record, value: `${value} -> ${answer}` })
      },
    }
  }
  b.stream('in', strings)
    .process<string, string>(perform, { stores: [versions] })
    .to('out', strings)
}
