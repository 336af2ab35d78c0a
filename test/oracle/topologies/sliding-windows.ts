import { type StreamsBuilder, sliding, string } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

/** Most scenarios join the values of each window. */
const joined =
  (difference: number, grace: number, options: { inMemory?: boolean; retention?: number } = {}) =>
  (b: StreamsBuilder): void => {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sliding(difference, { grace }))
      .aggregate(
        () => '',
        (_, v, aggregate) => aggregate + v,
        { store: 'joined', value: string(), ...options },
      )
      .toStream()
      .to('out')
  }

export const topologies: Topologies = {
  'sliding-aggregate': joined(10, 1000),
  'sliding-early': joined(10, 1000),
  'sliding-early-out-of-order': joined(10, 1000),
  'sliding-out-of-order': joined(10, 1000),
  'sliding-in-memory': joined(10, 30, { inMemory: true, retention: 50 }),
  'sliding-two-keys': joined(10, 0),

  'sliding-no-grace'(b) {
    const input = b.stream('in', strings)
    input.groupByKey().windowedBy(sliding(10)).count({ store: 'counts' }).toStream().to('out')
  },

  'sliding-reduce'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sliding(10, { grace: 50 }))
      .reduce((aggregate, v) => aggregate + v, { store: 'reduced' })
      .toStream()
      .to('out')
  },
}
