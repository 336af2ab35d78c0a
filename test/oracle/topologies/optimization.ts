import { joinWindows, long } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

export const topologies: Topologies = {
  // Recorded without optimization: a guarantee of processing changes neither names nor results.
  'exactly-once'(b) {
    const grouped = b
      .stream('in', strings)
      .selectKey((_, v) => v.slice(0, 1))
      .groupByKey(strings)
    grouped.count().toStream().to('counts')
    grouped
      .reduce((aggregate, v) => aggregate + v)
      .toStream()
      .to('joined')
  },

  'repartitions-merged'(b) {
    const grouped = b
      .stream('in', strings)
      .selectKey((_, v) => v.slice(0, 1))
      .groupByKey(strings)
    grouped.count().toStream().to('counts')
    grouped
      .reduce((aggregate, v) => aggregate + v)
      .toStream()
      .to('joined')
  },

  'explicit-repartition-not-merged'(b) {
    const input = b
      .stream('in', strings)
      .selectKey((_, v) => v.slice(0, 1))
      .repartition(strings)
    input.groupByKey().count({ store: 'counts' }).toStream().to('counts')
    input
      .groupByKey()
      .reduce((aggregate, v) => aggregate + v, { store: 'joined' })
      .toStream()
      .to('joined')
  },

  'repartitions-merged-after-merge'(b) {
    const left = b.stream('left', strings).selectKey((_, v) => v.slice(0, 1))
    const right = b.stream('right', strings).selectKey((_, v) => v.slice(1))
    const both = left.merge(right)
    both.groupByKey(strings).count({ store: 'counts' }).toStream().to('counts')
    both
      .groupByKey(strings)
      .reduce((aggregate, v) => aggregate + v, { store: 'joined' })
      .toStream()
      .to('joined')
  },

  'repartitions-merged-with-join'(b) {
    const input = b.stream('in', strings).map((_, v) => [v.slice(0, 1), v])
    const table = b.table('table', strings)
    input.groupByKey(strings).count({ store: 'counts' }).toStream().to('counts')
    input.join(table, (v, t) => `${v}+${t}`, strings).to('joined', strings)
  },

  'repartitions-value-change-between'(b) {
    const input = b.stream('in', strings).selectKey((_, v) => v.slice(0, 1))
    input
      .mapValues(v => `${v}!`)
      .groupByKey(strings)
      .reduce((aggregate, v) => aggregate + v, { store: 'marked' })
      .toStream()
      .to('marked')
    input.groupByKey(strings).count({ store: 'counts' }).toStream().to('counts')
    input
      .groupByKey(strings)
      .reduce((aggregate, v) => aggregate + v, { store: 'joined' })
      .toStream()
      .to('joined')
  },

  'source-topic-reuse-alone'(b) {
    const changes = b
      .table('in', { ...strings, store: 'rows' })
      .toStream()
      .filter((_, v) => v !== null)
      .selectKey((_, v) => v.slice(0, 1))
    changes.groupByKey(strings).count({ store: 'counts' }).toStream().to('counts')
    changes
      .groupByKey(strings)
      .aggregate(
        () => 0,
        (_, v, sum) => sum + v.length,
        { store: 'sums', value: long() },
      )
      .toStream()
      .to('sums')
  },

  'source-topic-reused'(b) {
    b.table('in', { ...strings, store: 'rows' })
      .toStream()
      .to('out')
  },

  'self-join-alone'(b) {
    const input = b.stream('in', strings)
    input.join(input, (l, r) => `${l}+${r}`, joinWindows(5, { grace: 20 })).to('out', strings)
  },

  'self-join-two-sources'(b) {
    const one = b.stream('in', strings)
    const two = b.stream('in', strings)
    one.join(two, (l, r) => `${l}+${r}`, joinWindows(5, { grace: 20 })).to('out', strings)
  },
}
