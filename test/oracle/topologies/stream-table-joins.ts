import type { StreamsBuilder } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

const join = (b: StreamsBuilder): void => {
  const input = b.stream('in', strings)
  const table = b.table('table', strings)
  input.join(table, (v, t) => `${v}+${t}`).to('out', strings)
}

const leftJoin = (b: StreamsBuilder): void => {
  const input = b.stream('in', strings)
  const table = b.table('table', strings)
  input.leftJoin(table, (v, t) => `${v}+${t}`).to('out', strings)
}

/** The first letter; null, which is no key at all, if there is none. */
const firstLetter = (v: string): string | null => (v === '' ? null : v.slice(0, 1))

export const topologies: Topologies = {
  'stream-table-join': join,
  'stream-table-left-join': leftJoin,
  'stream-table-join-nulls': join,
  'stream-table-left-join-nulls': leftJoin,

  'stream-table-join-repartitioned'(b) {
    const input = b.stream('in', strings).selectKey((_, v) => firstLetter(v))
    const table = b.table('table', strings)
    input.join(table, (v, t) => `${v}+${t}`, strings).to('out', strings)
  },

  'stream-table-left-join-repartitioned'(b) {
    const input = b.stream('in', strings).selectKey((_, v) => firstLetter(v))
    const table = b.table('table', strings)
    input.leftJoin(table, (v, t) => `${v}+${t}`, strings).to('out', strings)
  },

  'stream-table-join-filtered-table'(b) {
    const input = b.stream('in', strings)
    const table = b
      .table('table', strings)
      .filter((_, v) => v !== 'hide')
      .mapValues(v => v.toUpperCase())
    input.leftJoin(table, (v, t) => `${v}+${t}`).to('out', strings)
  },

  'stream-table-join-out-of-order-table': join,

  'stream-versioned-join'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 1000 })
    input.leftJoin(table, (v, t) => `${v}+${t}`).to('out', strings)
  },

  'stream-versioned-join-expired'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 50 })
    input.leftJoin(table, (v, t) => `${v}+${t}`).to('out', strings)
  },

  'stream-table-join-grace-late'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 1000 })
    input.join(table, (v, t) => `${v}+${t}`, { grace: 10 }).to('out', strings)
  },

  'stream-table-join-grace-short-history'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 9 })
    input.join(table, (v, t) => `${v}+${t}`, { grace: 10 }).to('out', strings)
  },

  'stream-table-left-join-grace'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 1000 })
    const joined = input.leftJoin(table, (v, t) => `${v}+${t}`, { name: 'patient', grace: 10 })
    joined.to('out', strings)
  },

  'stream-table-left-join-grace-null-key'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 1000 })
    input.leftJoin(table, (v, t) => `${v}+${t}`, { grace: 10 }).to('out', strings)
  },
}
