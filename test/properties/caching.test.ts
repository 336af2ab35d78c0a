import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'

import {
  StreamsBuilder,
  hopping,
  integer,
  sessions,
  sliding,
  string,
  tumbling,
} from '../../src/index.ts'
import { externalTopics, type Topology } from '../../src/topology/topology.ts'
import { databaseFolder, type Incident, incidentArbitrary, runWithIncidents } from './restarts.ts'

/**
 * A cache changes when updates of tables go on, and not what becomes of them: with caches of any size, commits and crashes at
 * any point, every table ends as it does without.
 */
const runs = Math.ceil(Number(process.env['MILLRACE_RUNS'] ?? 10_000) / 100)
const strings = { key: string(), value: string() }
const numbers = { key: string(), value: integer() }
const databases = databaseFolder()
afterAll(() => databases.remove())

const plus = (left: string | null, right: string | null): string => `${left}+${right}`
const tail = (text: string): string => text.slice(-12)
const pointer = (value: string): string => value.slice(0, 1)

/** Topologies that read `left` and `right` and keep the table `result`. */
const topologies: Record<string, (b: StreamsBuilder) => void> = {
  count(b) {
    b.stream('left', strings).groupByKey().count({ store: 'result' })
  },
  reduce(b) {
    const grouped = b.stream('left', strings).groupByKey()
    grouped.reduce((aggregate, v) => tail(aggregate + v), { store: 'result' })
  },
  'aggregate that deletes'(b) {
    b.stream('left', strings)
      .groupByKey()
      .aggregate(
        () => '',
        (_, v, aggregate) => (v.startsWith('a') ? null : tail(aggregate + v)),
        { store: 'result', value: string() },
      )
  },
  'hopping windows'(b) {
    const grouped = b.stream('left', strings).groupByKey()
    grouped.windowedBy(hopping(10, { advance: 4, grace: 5 })).count({ store: 'result' })
  },
  'sliding windows'(b) {
    const grouped = b.stream('left', strings).groupByKey()
    grouped.windowedBy(sliding(6, { grace: 5 })).count({ store: 'result', retention: 100 })
  },
  sessions(b) {
    const grouped = b.stream('left', strings).groupByKey()
    // Behind a cache a session is merged as long as it is stored: with a retention that is long enough it is the same.
    const options = { store: 'result', retention: 100 }
    grouped.windowedBy(sessions(5, { grace: 5 })).count(options)
  },
  cogroup(b) {
    b.stream('left', strings)
      .groupByKey()
      .cogroup((_, v, aggregate: string) => tail(`${aggregate}L${v}`))
      .cogroup(b.stream('right', strings).groupByKey(), (_, v, aggregate) =>
        tail(`${aggregate}R${v}`),
      )
      .windowedBy(tumbling(10, { grace: 5 }))
      .aggregate(() => '', { store: 'result', value: string() })
  },
  'filter and mapValues of a table'(b) {
    b.table('left', strings)
      .filter((_, v) => !v.startsWith('a'), { store: 'filtered' })
      .mapValues(v => `${v}!`, { store: 'result', value: string() })
  },
  toTable(b) {
    const table = b.stream('left', strings).toTable({ store: 'rows', ...strings })
    table.filterNot((_, v) => v.startsWith('b'), { store: 'result' })
  },
  'groupBy of a table'(b) {
    const grouped = b.table('left', strings).groupBy((key, v) => [pointer(v), key], strings)
    grouped.count({ store: 'result' })
  },
  'groupBy of a count'(b) {
    const counts = b.stream('left', strings).groupByKey().count({ store: 'counts' })
    const grouped = counts.groupBy((key, n) => [key === 'a' ? 'a' : 'other', n], numbers)
    grouped.aggregate(
      () => 0,
      (_, n, sum) => sum + n,
      (_, n, sum) => sum - n,
      { store: 'result', value: integer() },
    )
  },
  'left join of tables'(b) {
    b.table('left', strings).leftJoin(b.table('right', strings), plus, {
      store: 'result',
      ...strings,
    })
  },
  'outer join of tables'(b) {
    b.table('left', strings).outerJoin(b.table('right', strings), plus, {
      store: 'result',
      ...strings,
    })
  },
  // Of an inner join whose sides both lose a row in one commit the result stays, as in Kafka Streams: the rows on the right
  // are never deleted.
  'inner join of tables'(b) {
    const right = b
      .stream('right', strings)
      .filter((_, v) => v !== null)
      .toTable(strings)
    b.table('left', strings).join(right, plus, { store: 'result', ...strings })
  },
  // An inner one keeps its result, as in Kafka Streams, when a row moves and is updated before the other side has answered.
  'left foreign-key join'(b) {
    const right = b.table('right', strings)
    b.table('left', strings).leftJoin(right, pointer, plus, { store: 'result', ...strings })
  },
}

interface Input {
  readonly topic: string
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

const inputArbitrary: fc.Arbitrary<Input> = fc.record({
  topic: fc.constantFrom('left', 'left', 'right'),
  key: fc.constantFrom('a', 'b', 'ab'),
  value: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('a1', 'b2', 'b3', 'c4') },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  timestamp: fc.integer({ min: 0, max: 40 }),
})

const stepsArbitrary = fc.array(fc.tuple(inputArbitrary, incidentArbitrary), { maxLength: 25 })

/** Up to a few rows, one, or everything. */
const cacheMaxBytesArbitrary = fc.constantFrom(1, 700, 1_000_000)

/**
 * A join of tables meets rows that nobody was told of yet. Where a cache is full between two commits, it hands on what became of
 * one side, and the other may be gone before it is: as in Kafka Streams, the result stays.
 */
const roomForAllOrNone = fc.constantFrom(1, 1_000_000)

interface Setting {
  readonly cacheMaxBytes: number
  readonly folder?: string
}

/** What the table holds at the end; a sum of no rows is no row. */
async function tableAfter(
  topology: Topology,
  steps: [Input, Incident][],
  setting: Setting,
): Promise<string[]> {
  const topics = externalTopics(topology)
  await using application = await runWithIncidents(
    topology,
    { ...setting, steps: steps.filter(([{ topic }]) => topics.includes(topic)) },
    (running, { topic, key, value, timestamp }) =>
      running.inputTopic(topic, strings).pipe(key, value, { timestamp }),
  )
  const rows: string[] = []
  for await (const { timestamp: _, ...row } of application.store('result').all()) {
    if (row.value !== 0) rows.push(JSON.stringify(row))
  }
  return rows.sort()
}

test.each(Object.entries(topologies))('%s', async (name, build) => {
  const builder = new StreamsBuilder()
  build(builder)
  const topology = builder.build('app')
  const sizes = name.endsWith('join of tables') ? roomForAllOrNone : cacheMaxBytesArbitrary
  const sameAsWithout = (where: { folder?: string }): fc.IAsyncProperty<unknown> =>
    fc.asyncProperty(stepsArbitrary, sizes, async (steps, cacheMaxBytes) => {
      const expected = await tableAfter(topology, steps, { cacheMaxBytes: 0 })
      expect(await tableAfter(topology, steps, { cacheMaxBytes, ...where })).toEqual(expected)
    })
  await fc.assert(sameAsWithout({}), { numRuns: runs })
  await fc.assert(sameAsWithout({ folder: databases.path }), { numRuns: Math.ceil(runs / 20) })
})
