import { type KTable, type StreamsBuilder, string } from '../../../src/index.ts'
import { joinTables, type Topologies, strings } from './shared.ts'

type Join = 'join' | 'leftJoin' | 'outerJoin'

const plus = (l: string | null, r: string | null): string => `${l}+${r}`

const stored =
  (join: Join) =>
  (b: StreamsBuilder): void => {
    const left = b.table('left', { ...strings, store: 'left-rows' })
    const right = b.table('right', { ...strings, store: 'right-rows' })
    joinTables(join, left, right, plus).toStream().to('out', strings)
  }

const tables = (
  b: StreamsBuilder,
): [left: KTable<string, string>, right: KTable<string, string>] => [
  b.table('left', strings),
  b.table('right', strings),
]

export const topologies: Topologies = {
  'table-inner-join-guide': stored('join'),
  'table-inner-join-tombstones': stored('join'),
  'table-join-headers': stored('join'),
  'table-left-join-guide': stored('leftJoin'),
  'table-left-join-tombstones': stored('leftJoin'),
  'table-outer-join-guide': stored('outerJoin'),
  'table-join-timestamps': stored('outerJoin'),

  'table-join-filtered'(b) {
    const left = b.table('left', strings).filter((_, v) => v !== 'hide')
    const right = b.table('right', strings).mapValues(v => v.toUpperCase())
    left.leftJoin(right, plus).toStream().to('out', strings)
  },

  'table-join-joiner-null'(b) {
    const [left, right] = tables(b)
    left
      .join(right, (l, r) => (l === r ? null : plus(l, r)), { store: 'pairs', value: string() })
      .toStream()
      .to('out')
  },

  'table-join-to-table'(b) {
    const left = b
      .stream('left', strings)
      .selectKey((_, v) => v.slice(0, 1))
      .toTable(strings)
    const right = b.stream('right', strings).toTable()
    left.join(right, plus).toStream().to('out', strings)
  },

  'table-left-join-materialized'(b) {
    const [left, right] = tables(b)
    left.leftJoin(right, plus, { store: 'pairs', value: string() }).toStream().to('out')
  },

  'table-outer-join-regrouped'(b) {
    const [left, right] = tables(b)
    left
      .outerJoin(right, (l, r) => `${l}${r}`)
      .groupBy((_, v) => ['all', v], strings)
      .aggregate(
        () => '',
        (_, v, aggregate) => `${aggregate}+${v}`,
        (_, v, aggregate) => `${aggregate}-${v}`,
        { store: 'trace', value: string() },
      )
      .toStream()
      .to('out')
  },

  'table-self-join'(b) {
    const rows = b.table('in', { ...strings, store: 'rows' })
    rows.outerJoin(rows, plus).toStream().to('out', strings)
  },
}
