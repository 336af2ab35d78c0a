import { string } from '../../../src/index.ts'
import { type Topologies, log, longs, strings } from './shared.ts'

export const topologies: Topologies = {
  count(b) {
    const input = b.stream('in', strings)
    input.groupByKey().count({ store: 'counts' }).toStream().to('out')
  },

  reduce(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .reduce(
        (aggregate, v) => {
          log(`${aggregate} + ${v}`)
          return aggregate + v
        },
        { store: 'reduced' },
      )
      .toStream()
      .to('out')
  },

  aggregate(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .aggregate(
        () => '',
        (_, v, aggregate) => aggregate + v,
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'group-by'(b) {
    const input = b.stream('in', strings)
    input
      .groupBy((_, v) => (v === '' ? null : v.slice(0, 1)), strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'group-by-null-value'(b) {
    const input = b.stream('in', strings)
    input
      .groupBy(k => `${k}${k}`, strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'group-by-key-after-map-values'(b) {
    const input = b.stream('in', strings)
    input
      .mapValues(v => `${v.length}`)
      .filter((_, v) => v !== '0')
      .groupByKey(strings)
      .reduce((aggregate, v) => `${aggregate},${v}`, { store: 'lengths' })
      .toStream()
      .to('out')
  },

  'group-by-key-after-map'(b) {
    const input = b.stream('in', strings)
    input
      .map((k, v) => [k, `${v}!`])
      .groupByKey(strings)
      .reduce((aggregate, v) => aggregate + v, { store: 'joined' })
      .toStream()
      .to('out')
  },

  'flat-map-then-count'(b) {
    const input = b.stream('in', strings)
    input
      .flatMapValues(v => v.split(' '))
      .groupBy((_, word) => word, { name: 'words', ...strings })
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'two-aggregations-one-group'(b) {
    const input = b.stream('in', strings)
    const grouped = input.groupByKey()
    grouped.count({ store: 'counts' }).toStream().to('counts')
    grouped
      .reduce((aggregate, v) => v + aggregate, { store: 'reduced' })
      .toStream()
      .to('reduced')
  },

  'grouped-name-shared-repartition'(b) {
    const input = b.stream('in', strings)
    const grouped = input.groupBy((_, v) => v, { name: 'by-value', ...strings })
    grouped.count({ name: 'counter', store: 'counts' }).toStream().to('counts')
    grouped
      .aggregate(
        () => 0,
        (_k, _v, n) => n + 10,
        { name: 'adder', store: 'sums', ...longs },
      )
      .toStream()
      .to('sums')
  },

  'unnamed-group-two-repartitions'(b) {
    const input = b.stream('in', strings)
    const grouped = input.groupBy((_, v) => v, strings)
    grouped.count().toStream().to('counts')
    grouped
      .reduce((aggregate, v) => aggregate + v)
      .toStream()
      .to('reduced')
  },

  'aggregate-old-values'(b) {
    const counts = b.stream('in', strings).groupByKey().count({ store: 'counts' })
    counts
      .groupBy((_, n) => [n > 1 ? 'many' : 'few', n], longs)
      .aggregate(
        () => '',
        (_, n, aggregate) => `${aggregate}+${n}`,
        (_, n, aggregate) => `${aggregate}-${n}`,
        { store: 'trace', value: string() },
      )
      .toStream()
      .to('out')
  },

  'reduce-old-values'(b) {
    const latest = b
      .stream('in', strings)
      .groupByKey()
      .reduce((_, v) => v, { store: 'latest' })
    latest
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

  'sum-longs'(b) {
    const input = b.stream('in', longs)
    input
      .groupByKey()
      .reduce((sum, n) => sum + n, { store: 'sums' })
      .toStream()
      .to('out')
  },
}
