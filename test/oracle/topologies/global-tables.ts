import {
  type StreamsBuilder,
  type TimestampedKeyValueStore,
  keyValueStore,
} from '../../../src/index.ts'
import { type Topologies, processor, strings } from './shared.ts'

/** The first letter of the value; null if there is none. Values may be null at run time. */
const firstLetter = (_: string, v: string): string | null =>
  v === null || v === '' ? null : v.slice(0, 1)

const leftJoin = (b: StreamsBuilder): void => {
  const table = b.globalTable('table', strings)
  const input = b.stream('in', strings)
  input.leftJoin(table, firstLetter, (v, t) => `${v}+${t}`).to('out', strings)
}

export const topologies: Topologies = {
  'global-join'(b) {
    const table = b.globalTable('table', strings)
    const input = b.stream('in', strings)
    input.join(table, firstLetter, (v, t) => `${v}+${t}`).to('out', strings)
  },

  'global-left-join': leftJoin,
  'global-left-join-null-mapped-key': leftJoin,

  'global-join-by-key'(b) {
    const table = b.globalTable('table', { ...strings, store: 'rows' })
    const input = b.stream('in', strings)
    input
      .join(
        table,
        k => k,
        (v, t, k) => `${k}:${v}+${t}`,
        { name: 'look-up' },
      )
      .to('out', strings)
  },

  'global-table-only'(b) {
    b.globalTable('table', { ...strings, store: 'rows' })
  },

  'global-store'(b) {
    const settings = keyValueStore('settings', { ...strings, inMemory: true })
    b.addGlobalStore(settings, 'table', strings, context => {
      const store = context.store(settings)
      return {
        process: ({ key, value, timestamp }) =>
          store.put(key, value === null ? null : `${value}@${timestamp}`),
      }
    })
    b.stream('in', strings)
      .process(
        processor(context => {
          const store = context.store(settings)
          return record =>
            context.forward({
              ...record,
              value: `${record.value}+${store.get(record.key) ?? null}`,
            })
        }),
      )
      .to('out', strings)
  },

  'global-store-read-only'(b) {
    b.globalTable('table', { ...strings, store: 'rows' })
    b.stream('in', strings)
      .process(
        processor(context => {
          const store = context.store<TimestampedKeyValueStore<string, string>>('rows')
          return ({ key, value, timestamp }) => store.put(key, value, timestamp)
        }),
      )
      .to('out', strings)
  },
}
