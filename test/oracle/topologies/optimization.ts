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
}
