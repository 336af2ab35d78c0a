import { type StreamsBuilder, sessions, string } from '../../../src/index.ts'
import { type Topologies, log, strings } from './shared.ts'

/** Most scenarios join the values of each session, and show where sessions were merged. */
const joined =
  (gap: number, grace: number, options: { inMemory?: boolean; retention?: number } = {}) =>
  (b: StreamsBuilder): void => {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(gap, { grace }))
      .aggregate(
        () => '',
        (_, v, aggregate) => aggregate + v,
        (_, one, two) => `${one}|${two}`,
        { store: 'joined', value: string(), ...options },
      )
      .toStream()
      .to('out')
  }

const counted =
  (gap: number, grace: number, retention?: number) =>
  (b: StreamsBuilder): void => {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(gap, { grace }))
      .count({ store: 'counts', ...(retention !== undefined && { retention }) })
      .toStream()
      .to('out')
  }

export const topologies: Topologies = {
  'session-count': counted(10, 1000),
  'session-nulls': counted(10, 1000),
  'session-retention': counted(10, 10, 50),
  'session-in-memory': joined(10, 30, { inMemory: true, retention: 40 }),
  'session-inside': joined(10, 1000),
  'session-late-but-open': joined(10, 0),
  'session-late': joined(10, 5),
  'session-merge': joined(10, 1000),

  'session-aggregate-to-null'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(10, { grace: 100 }))
      .aggregate(
        () => '',
        (_, v, aggregate) => (v === 'clear' ? null : aggregate + v),
        (_, one, two) => `${one}|${two}`,
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'session-merger-calls'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(10, { grace: 1000 }))
      .aggregate(
        () => 'i',
        (_, v, aggregate) => {
          log(`aggregate ${v} into ${aggregate}`)
          return aggregate + v
        },
        (_, one, two) => {
          log(`merge ${one} and ${two}`)
          return one + two
        },
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },
}
