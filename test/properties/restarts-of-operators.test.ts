import * as fc from 'fast-check'
import { describe, test } from 'vitest'

import {
  hopping,
  joinWindows,
  sessions,
  sliding,
  type StreamsBuilder,
  string,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
} from '../../src/index.ts'
import { inputRecords, laws } from '../../src/testing/properties/index.ts'

/** Stops and kills change nothing, whatever the operator: the law of the property kit for one small topology of each. */
const text = { key: string(), value: string() }
const numRuns = Math.ceil(Number(process.env['MILLRACE_RUNS'] ?? 10_000) / 100)
const grace = { grace: { milliseconds: 20 } }
const pair = (left: string | null, right: string | null): string => `${left}&${right}`

const ofOneTopic: Record<string, (builder: StreamsBuilder) => void> = {
  'tumbling windows': b => {
    const counts = b.stream('left', text).groupByKey().windowedBy(tumbling(20, grace)).count()
    counts.toStream().to('out')
  },
  'hopping windows, on close': b => {
    const windows = hopping(20, { advance: 5, ...grace })
    const grouped = b.stream('left', text).groupByKey().windowedBy(windows)
    grouped.emitStrategy('onWindowClose').count().toStream().to('out')
  },
  'sliding windows': b => {
    const counts = b.stream('left', text).groupByKey().windowedBy(sliding(20, grace)).count()
    counts.toStream().to('out')
  },
  sessions: b => {
    const counts = b.stream('left', text).groupByKey().windowedBy(sessions(8, grace)).count()
    counts.toStream().to('out')
  },
  'windows that are suppressed until they close': b => {
    const counts = b.stream('left', text).groupByKey().windowedBy(tumbling(20, grace)).count()
    counts.suppress(untilWindowCloses()).toStream().to('out')
  },
  'a table that is suppressed for a time': b => {
    const counts = b.stream('left', text).groupByKey().count()
    counts
      .suppress(untilTimeLimit({ milliseconds: 15 }))
      .toStream()
      .to('out')
  },
  'a table grouped by value': b => {
    const byValue = b.table('left', text).groupBy((key, value) => [value, key], text)
    byValue.count().toStream().to('out')
  },
  deduplication: b => b.stream('left', text).deduplicateByKey(15).to('out', text),
}

const ofTwoTopics: typeof ofOneTopic = {
  'an inner join of streams': b => {
    const [left, right] = [b.stream('left', text), b.stream('right', text)]
    left.join(right, pair, joinWindows(10, grace)).to('out', text)
  },
  'an outer join of streams': b => {
    const [left, right] = [b.stream('left', text), b.stream('right', text)]
    left.outerJoin(right, pair, joinWindows(10, grace)).to('out', text)
  },
  'a join with a versioned table and a grace': b => {
    const rows = { ...text, store: 'rows', historyRetention: { milliseconds: 100 } }
    const table = b.table('right', rows)
    b.stream('left', text)
      .join(table, pair, { grace: { milliseconds: 10 } })
      .to('out', text)
  },
  'an outer join of tables': b => {
    const [left, right] = [b.table('left', text), b.table('right', text)]
    left.outerJoin(right, pair).toStream().to('out', text)
  },
  'a join by a foreign key': b => {
    const [left, right] = [b.table('left', text), b.table('right', text)]
    left
      .join(right, value => value, pair)
      .toStream()
      .to('out', text)
  },
  'a left join by a foreign key': b => {
    const [left, right] = [b.table('left', text), b.table('right', text)]
    left
      .leftJoin(right, value => value, pair)
      .toStream()
      .to('out', text)
  },
  'streams in one group': b => {
    const [left, right] = [b.stream('left', text), b.stream('right', text)]
    left
      .groupByKey()
      .cogroup<string>((_, value, all) => `${all}l${value}`)
      .cogroup(right.groupByKey(), (_, value, all) => `${all}r${value}`)
      .windowedBy(tumbling(20, grace))
      .aggregate(() => '', { value: string() })
      .toStream()
      .to('out')
  },
}

const topic = { ...text, keys: ['a', 'b', 'ab'], values: fc.constantFrom('a', 'b', 'c') }
const times = { maxLength: 15, lateMs: 80, jumpMs: 150_000 }

describe('restarts change nothing:', () => {
  test.each(Object.entries(ofOneTopic))('%s', async (_, build) => {
    const inputs = inputRecords({ topics: { left: topic }, ...times })
    await laws.sameUnderRestarts(build, inputs, { numRuns })
  })

  test.each(Object.entries(ofTwoTopics))('%s', async (_, build) => {
    const inputs = inputRecords({ topics: { left: topic, right: topic }, ...times })
    await laws.sameUnderRestarts(build, inputs, { numRuns })
  })
})
