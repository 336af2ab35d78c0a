import {
  hopping,
  long,
  sessionWindowed,
  sessions,
  string,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  windowed,
} from '../../../src/index.ts'
import { type BuildTopology, type Topologies, strings } from './shared.ts'

const longs = { key: windowed(string(), 10), value: long() }

const limited: BuildTopology = b => {
  const table = b.table('in', strings)
  table.suppress(untilTimeLimit(10)).toStream().to('out')
}

const finalSessions: BuildTopology = b => {
  const input = b.stream('in', strings)
  input
    .groupByKey()
    .windowedBy(sessions(10, { grace: 5 }))
    .count({ store: 'counts' })
    .suppress(untilWindowCloses())
    .toStream()
    .to('out', { key: sessionWindowed(string()), value: long() })
}

export const topologies: Topologies = {
  'suppress-final-session': finalSessions,
  'suppress-final-session-tie': finalSessions,

  'suppress-time-limit': limited,
  'suppress-time-limit-out-of-order': limited,
  'suppress-time-limit-tombstones': limited,
  'suppress-headers': limited,

  'suppress-aggregate'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .count({ store: 'counts' })
      .suppress(untilTimeLimit(5), { name: 'calm' })
      .toStream()
      .to('out')
  },

  'suppress-max-records'(b) {
    const table = b.table('in', strings)
    table
      .suppress(untilTimeLimit(100, { maxRecords: 2 }))
      .toStream()
      .to('out')
  },

  'suppress-old-values'(b) {
    const table = b.table('in', { ...strings, store: 'rows' })
    table
      .suppress(untilTimeLimit(10))
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

  'suppress-no-window'(b) {
    const table = b.table('in', { ...strings, key: windowed(string(), 10) })
    table.suppress(untilWindowCloses()).toStream().to('out')
  },

  'suppress-final-tumbling'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream()
      .to('out', longs)
  },

  'suppress-final-hopping'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(hopping(10, { advance: 5 }))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream()
      .to('out', longs)
  },
}
