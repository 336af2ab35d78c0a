import {
  type StreamsBuilder,
  logAndSkipOnInvalidTimestamp,
  string,
  usePartitionTimeOnInvalidTimestamp,
} from '../../../src/index.ts'
import { fussy } from './errors.ts'
import { type Topologies, strings } from './shared.ts'

/** Topologies of our own questions to Kafka Streams: `more/`. */
export const topologies: Topologies = {
  'idle-ties': two,
  'idle-disabled': two,
  'idle-ties-three': three,
  'idle-three-x': three,
  'idle-three-y': three,
  'idle-three-z': three,

  'idle-repartition'(b) {
    b.stream('in', strings)
      .selectKey((_, v) => v)
      .repartition({ ...strings, name: 'r' })
      .to('out', strings)
  },

  'idle-skipped'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', { key: string(), value: fussy })
    left.merge(right).to('out', strings)
  },

  'extract-partition-time-unknown'(b) {
    b.stream('in', strings).to('out')
  },

  'extract-table'(b) {
    const timestamp = (_: unknown, record: { timestamp: number }): number => record.timestamp - 10
    b.table('in', { ...strings, timestamp, store: 't' })
      .toStream()
      .to('out')
  },

  'extract-merge-two'(b) {
    const left = b.stream('left', { ...strings, timestamp: usePartitionTimeOnInvalidTimestamp })
    const right = b.stream('right', { ...strings, timestamp: logAndSkipOnInvalidTimestamp })
    left.merge(right).to('out', strings)
  },

  'two-repartitions-tie'(b) {
    const input = b.stream('in', strings)
    const table = input.selectKey((_, v) => v).toTable({ ...strings, store: 't' })
    input
      .selectKey((_, v) => v)
      .repartition({ ...strings, name: 'zz' })
      .leftJoin(table, (x, y) => x + y)
      .to('out', strings)
  },

  'two-repartitions-tie-reversed'(b) {
    const input = b.stream('in', strings)
    const stream = input.selectKey((_, v) => v).repartition({ ...strings, name: 'aa' })
    const table = input.selectKey((_, v) => v).toTable({ ...strings, name: 'nn', store: 't' })
    stream.leftJoin(table, (x, y) => x + y).to('out', strings)
  },
}

function two(b: StreamsBuilder): void {
  b.stream('left', strings).merge(b.stream('right', strings)).to('out')
}

function three(b: StreamsBuilder): void {
  const x = b.stream('x', strings)
  const y = b.stream('y', strings)
  const z = b.stream('z', strings)
  x.merge(y).merge(z).to('out')
}
