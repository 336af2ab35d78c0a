import { joinWindows, logAndSkipOnInvalidTimestamp, tumbling } from '../../../src/index.ts'
import { type Topologies, log, processor, strings } from './shared.ts'

/** Adds the stream time to the value. */
const timed = processor(context => record => {
  context.forward({ ...record, value: `${record.value} ${context.currentStreamTimeMs}` })
})
const timedAt = processor(context => record => {
  context.forward({ ...record, value: `${record.value} at ${context.currentStreamTimeMs}` })
})

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

  'extract-skip-moves-no-time'(b) {
    b.stream('in', { ...strings, timestamp: logAndSkipOnInvalidTimestamp })
      .process(timed)
      .to('out', strings)
  },

  'idle-choose-earliest'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', strings)
    left.merge(right).process(timedAt).to('out', strings)
  },

  'no-idle'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', strings)
    left.join(right, (l, r) => `${l}+${r}`, joinWindows(10), strings).to('out', strings)
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
