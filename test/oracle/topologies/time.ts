import { tumbling } from '../../../src/index.ts'
import { type Topologies, log, strings } from './shared.ts'

export const topologies: Topologies = {
  'extract-default'(b) {
    b.stream('in', strings).to('out')
  },

  'extract-partition-time'(b) {
    b.stream('in', strings).to('out')
  },

  'extract-from-value'(b) {
    const input = b.stream('in', { ...strings, timestamp: v => Number(v.split('@')[1]) })
    input.groupByKey().windowedBy(tumbling(10)).count({ store: 'counts' }).toStream().to('out')
  },

  'extract-partition-time-argument'(b) {
    const sides = ['left', 'right'].map(side =>
      b.stream(side, {
        ...strings,
        timestamp: (_, { timestamp }, partitionTime) => {
          log(`${side} partition time ${partitionTime}`)
          return timestamp
        },
      }),
    )
    const [left = b.stream('left', strings), right = b.stream('right', strings)] = sides
    left.merge(right).to('out')
  },

  'extract-then-repartition'(b) {
    const input = b.stream('in', { ...strings, timestamp: (_, { timestamp }) => timestamp * 2 })
    input
      .selectKey((_, v) => v)
      .repartition(strings)
      .to('out')
  },

  'idle-by-clock'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', strings)
    left.merge(right).to('out')
  },

  'idle-fifo-within-topic'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', strings)
    left.merge(right).to('out')
  },
}
