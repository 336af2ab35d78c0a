import { type StreamsBuilder, string } from '../../../src/index.ts'
import { type Topologies, longs, strings } from './shared.ts'

const trace = { store: 'trace', value: string() }
const plus = (_: string, v: string, aggregate: string): string => `${aggregate}+${v}`
const minus = (_: string, v: string, aggregate: string): string => `${aggregate}-${v}`

const byFirstLetter = (b: StreamsBuilder): void => {
  const rows = b.table('in', strings)
  rows
    .groupBy((_, v) => [v.slice(0, 1), v], strings)
    .aggregate(() => '', plus, minus, trace)
    .toStream()
    .to('out')
}

export const topologies: Topologies = {
  'grouped-aggregate-moves': byFirstLetter,
  'grouped-aggregate-order': byFirstLetter,

  'grouped-count'(b) {
    const users = b.table('in', strings)
    users
      .groupBy((user, region) => [region, user], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'grouped-filtered'(b) {
    const rows = b.table('in', strings)
    rows
      .filter((_, v) => !v.startsWith('x'))
      .groupBy((_, v) => ['all', v], strings)
      .aggregate(() => '', plus, minus, trace)
      .toStream()
      .to('out')
  },

  'grouped-headers'(b) {
    const rows = b.table('in', strings)
    rows
      .groupBy((k, v) => [v, k], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'grouped-mapped'(b) {
    const rows = b.table('in', { ...strings, store: 'rows' })
    rows
      .mapValues(v => String(v.length))
      .groupBy((k, v) => [v, k], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'grouped-reduce'(b) {
    const rows = b.table('in', strings)
    rows
      .groupBy((_, v) => [v.slice(0, 1), v.slice(1)], strings)
      .reduce(
        (aggregate, v) => `${aggregate}+${v}`,
        (aggregate, v) => `${aggregate}-${v}`,
        { store: 'trace' },
      )
      .toStream()
      .to('out')
  },

  'grouped-several'(b) {
    const rows = b.table('in', strings)
    const grouped = rows.groupBy((k, v) => [v, k], { name: 'by-value', ...strings })
    grouped.count({ name: 'counter', store: 'counts' }).toStream().to('counts')
    grouped
      .reduce(
        (aggregate, v) => `${aggregate}+${v}`,
        (aggregate, v) => `${aggregate}-${v}`,
        { store: 'names' },
      )
      .toStream()
      .to('names')
  },

  'grouped-subtract-to-null'(b) {
    const rows = b.table('in', strings)
    rows
      .groupBy((_, v) => [v.slice(0, 1), v], strings)
      .aggregate(
        () => '',
        plus,
        () => null,
        trace,
      )
      .toStream()
      .to('out')
  },

  'grouped-twice'(b) {
    const rows = b.table('in', strings)
    const perGroup = rows.groupBy((k, v) => [v, k], strings).count({ store: 'per-group' })
    perGroup
      .groupBy((group, n) => [`size ${n}`, group], strings)
      .count({ store: 'per-size' })
      .toStream()
      .to('out', longs)
  },
}
