import type { KTable, StreamsBuilder } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

/** "r1|a" points at r1, "|a" at nothing. */
const pointer = (value: string): string | null =>
  value.startsWith('|') ? null : (value.split('|')[0] ?? null)

type Table = KTable<string, string>

function joinedRows(b: StreamsBuilder): void {
  const left = b.table('left', { ...strings, store: 'left-rows' })
  joined(left, b.table('right', { ...strings, store: 'right-rows' }))
}

function joined(left: Table, right: Table): void {
  left
    .join(right, pointer, (l, r) => `${l}+${r}`)
    .toStream()
    .to('out', strings)
}

function leftJoined(left: Table, right: Table): void {
  left
    .leftJoin(right, pointer, (l, r) => `${l}+${r}`)
    .toStream()
    .to('out', strings)
}

function leftJoinedRows(b: StreamsBuilder): void {
  const left = b.table('left', { ...strings, store: 'left-rows' })
  leftJoined(left, b.table('right', { ...strings, store: 'right-rows' }))
}

export const topologies: Topologies = {
  'fk-inner': joinedRows,
  'fk-null-keys': joinedRows,
  'fk-headers': joinedRows,
  'fk-timestamps': joinedRows,
  'fk-inner-null-key': joinedRows,
  'fk-inner-same-key-update': joinedRows,
  'fk-left': leftJoinedRows,
  'fk-left-timestamps': leftJoinedRows,

  'fk-versioned'(b) {
    const left = b.table('left', { ...strings, store: 'left-rows', historyRetention: 1000 })
    joined(left, b.table('right', { ...strings, store: 'right-rows', historyRetention: 1000 }))
  },

  'fk-key-from-key-and-value'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left
      .leftJoin(
        right,
        (v, k) => k.slice(0, 1) + String(v.length),
        (l, r) => `${l}+${r}`,
      )
      .toStream()
      .to('out', strings)
  },

  'fk-regrouped'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left
      .join(right, pointer, (_, r) => r, strings)
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

  'fk-self'(b) {
    const staff = b.table('in', { ...strings, store: 'staff' })
    leftJoined(staff, staff)
  },
}
