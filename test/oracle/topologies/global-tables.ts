import type { StreamsBuilder } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

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
}
