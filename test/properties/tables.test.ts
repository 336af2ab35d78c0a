import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import {
  long,
  type ReadOnlyKeyValueStore,
  type StreamsBuilder,
  string,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
} from '../../src/index.ts'
import { type TestApplication, TestDriver } from '../../src/testing/index.ts'
import { databaseFolder, type Incident, incidentArbitrary, runWithIncidents } from './restarts.ts'
import {
  naiveFilteredValues,
  naiveFinalCounts,
  naiveGrouped,
  naiveSuppressedUntilTimeLimit,
  naiveTableJoin,
  naiveVersioned,
  type TableInput,
  type TableOutput,
} from './tables.ts'

/**
 * Operators of tables against folds that look at everything: record by record, and with commits, restarts, kills and restored
 * stores on the way, in memory and in LevelDB.
 */
const text = { key: string(), value: string() }
const folder = databaseFolder()
afterAll(() => folder.remove())

const allRuns = Number(process.env['MILLRACE_RUNS'] ?? 10_000)

/** Of several topics; values of which each says which record it is, and that share beginnings. */
function inputsOf(...topics: readonly string[]): fc.Arbitrary<TableInput[]> {
  const input = fc.record({
    topic: fc.constantFrom(...topics),
    key: fc.constantFrom('a', 'b', 'ab', 'a\0b'),
    value: fc.option(fc.constantFrom('x', 'y', 'z'), { freq: 4 }),
    timestamp: fc.oneof(
      { weight: 12, arbitrary: fc.integer({ min: 0, max: 40 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }) },
    ),
  })
  return fc
    .array(input, { maxLength: 20, size: 'max' })
    .map(drawn => drawn.map((each, at) => ({ ...each, value: each.value && `${each.value}${at}` })))
}

/** What a topology that has been run shows. */
interface Ran {
  outputs(topic: string): TableOutput[]
  /** Rows of a store of numbers. */
  counts(store: string): Promise<ReadonlyMap<string, number>>
}

interface Operator<P> {
  readonly parameters: fc.Arbitrary<P>
  readonly topics: readonly string[]
  readonly build: (builder: StreamsBuilder, parameters: P) => void
  readonly check: (ran: Ran, inputs: readonly TableInput[], parameters: P) => Promise<void> | void
}

const outputsOf = (
  from: Pick<TestDriver | TestApplication, 'outputTopic'>,
  topic: string,
): TableOutput[] =>
  from
    .outputTopic(topic, text)
    .readAll()
    .map(({ key, value, timestamp }) => ({ key: String(key), value, timestamp }))

/** Over memory and over LevelDB, the latter and some of the former with incidents. */
function operator<P>(
  title: string,
  { parameters, topics, build, check }: Operator<P>,
  runs = allRuns,
): void {
  const inputs = inputsOf(...topics)
  describe(title, () => {
    test('record by record', () =>
      fc.assert(
        fc.asyncProperty(parameters, inputs, async (given, records) => {
          using driver = new TestDriver(builder => build(builder, given))
          for (const record of records) pipe(driver, record)
          await check(shownBy(driver), records, given)
        }),
        { numRuns: runs },
      ))

    test.each([
      { place: 'in memory', options: {}, numRuns: Math.ceil(runs / 50) },
      { place: 'in LevelDB', options: { folder: folder.path }, numRuns: Math.ceil(runs / 500) },
    ])('with incidents, $place', async ({ options, numRuns }) => {
      const incidents = fc.array(incidentArbitrary, { minLength: 20, maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(parameters, inputs, incidents, async (given, records, all) => {
          const steps = records.map((record, at): [TableInput, Incident] => [
            record,
            all[at] ?? 'none',
          ])
          const source = (builder: StreamsBuilder): void => build(builder, given)
          await using application = await runWithIncidents(source, { ...options, steps }, pipe)
          await check(shownByApplication(application), records, given)
        }),
        { numRuns },
      )
    })
  })
}

type Inputs = Pick<TestDriver | TestApplication, 'inputTopic'>

function pipe(into: Inputs, { topic, key, value, timestamp }: TableInput): void {
  into.inputTopic(topic, text).pipe(key, value, { timestamp })
}

function shownBy(driver: TestDriver): Ran {
  return {
    outputs: topic => outputsOf(driver, topic),
    async counts(store) {
      const rows = driver.keyValueStore<string, number>(store).rows()
      return new Map(rows.map(({ key, value }) => [key, value]))
    },
  }
}

function shownByApplication(application: TestApplication): Ran {
  return {
    outputs: topic => outputsOf(application, topic),
    async counts(name) {
      const found = new Map<string, number>()
      const store = application.store<ReadOnlyKeyValueStore<string, number>>(name)
      for await (const { key, value } of store.all()) found.set(key, value)
      return found
    },
  }
}

operator('filter and mapValues', {
  parameters: fc.record({ isSourceStored: fc.boolean(), keep: fc.boolean() }),
  topics: ['in'],
  build(builder, { isSourceStored, keep }) {
    const table = builder.table('in', isSourceStored ? { ...text, store: 'rows' } : text)
    const isX = (_: string, value: string): boolean => value.startsWith('x')
    const filtered = keep ? table.filter(isX) : table.filterNot(isX)
    const mapped = filtered.mapValues(value => value.length, { store: 'lengths', value: long() })
    mapped
      .mapValues(length => `${length} long`)
      .toStream()
      .to('out', text)
  },
  async check(ran, inputs, { isSourceStored, keep }) {
    const passes = (value: string): boolean => value.startsWith('x') === keep
    const expected = naiveFilteredValues(inputs, {
      passes,
      mapper: value => `${value.length} long`,
      knowsOldValues: isSourceStored,
    })
    expect(ran.outputs('out')).toEqual(expected.outputs)
    const lengths = expected.rows.map(({ key, value }) => [key, Number.parseInt(`${value}`, 10)])
    expect([...(await ran.counts('lengths'))]).toEqual(lengths)
  },
})

/** The first letter says the group; z is none. */
const groupOf = (value: string): readonly [string | null, string] => [
  value.startsWith('z') ? null : value.slice(0, 1),
  value.slice(1),
]

operator('groupBy', {
  parameters: fc.constant(null),
  topics: ['in'],
  build(builder) {
    const grouped = builder.table('in', text).groupBy((_, value) => groupOf(value), text)
    grouped
      .aggregate(
        () => '',
        (_, part, aggregate) => `${aggregate}+${part}`,
        (_, part, aggregate) => `${aggregate}-${part}`,
        { store: 'traces', value: string() },
      )
      .toStream()
      .to('out')
    grouped.count({ store: 'sizes' })
  },
  async check(ran, inputs) {
    const expected = naiveGrouped(inputs, groupOf)
    expect(ran.outputs('out')).toEqual(expected.outputs)
    const sizes = [...(await ran.counts('sizes'))].filter(([, size]) => size !== 0)
    expect(new Map(sizes)).toEqual(expected.sizes)
  },
})

const pair = (left: string | null, right: string | null): string => `${left}+${right}`

for (const join of ['inner', 'left', 'outer'] as const) {
  operator(
    `${join} join of tables`,
    {
      parameters: fc.record({ isStored: fc.boolean(), isDerived: fc.boolean() }),
      topics: ['left', 'right'],
      build(builder, { isStored, isDerived }) {
        const left = builder.table('left', text)
        const source = builder.table('right', text)
        // Rows that are looked up in a table without a store are computed.
        const right = isDerived ? source.mapValues(value => value) : source
        const options = isStored ? { store: 'joined', ...text } : {}
        const joined = {
          inner: () => left.join(right, pair, options),
          left: () => left.leftJoin(right, pair, options),
          outer: () => left.outerJoin(right, pair, options),
        }
        joined[join]().toStream().to('out', text)
      },
      check(ran, inputs) {
        expect(ran.outputs('out')).toEqual(naiveTableJoin(join, inputs))
      },
    },
    allRuns / 2,
  )
}

operator('suppress until a time limit', {
  parameters: fc.record({
    limitMs: fc.constantFrom(0, 1, 10, 100),
    maxRecords: fc.constantFrom(0, 1, 2, Infinity),
  }),
  topics: ['in'],
  build(builder, { limitMs, maxRecords }) {
    const limit = untilTimeLimit(limitMs, { maxRecords })
    builder.table('in', text).suppress(limit).toStream().to('out')
  },
  check(ran, inputs, limits) {
    expect(ran.outputs('out')).toEqual(naiveSuppressedUntilTimeLimit(inputs, limits))
  },
})

operator('suppress until windows close', {
  parameters: fc.record({ sizeMs: fc.integer({ min: 1, max: 12 }), graceMs: fc.nat(12) }),
  topics: ['in'],
  build(builder, { sizeMs, graceMs: grace }) {
    const grouped = builder.stream('in', text).groupByKey()
    grouped
      .windowedBy(tumbling(sizeMs, { grace }))
      .count()
      .suppress(untilWindowCloses())
      .toStream(({ key, window }) => `${key}@${window.start}`)
      .mapValues(String)
      .to('out', text)
  },
  check(ran, inputs, windows) {
    const expected = naiveFinalCounts(inputs, windows).map(({ key, start, value, timestamp }) => ({
      key: `${key}@${start}`,
      value: String(value),
      timestamp,
    }))
    expect(ran.outputs('out')).toEqual(expected)
  },
})

operator('a table of versions', {
  parameters: fc.constantFrom(0, 10, 30, 100_000),
  topics: ['table', 'stream'],
  build(builder, historyRetention) {
    const table = builder.table('table', { ...text, store: 'rows', historyRetention })
    builder.stream('stream', text).leftJoin(table, pair).to('out', text)
    table.groupBy((_, value) => [value.slice(0, 1), value], text).count({ store: 'sizes' })
  },
  async check(ran, inputs, historyMs) {
    const { joined, latest } = naiveVersioned(inputs, historyMs)
    expect(ran.outputs('out')).toEqual(joined)
    const expected = new Map<string, number>()
    for (const value of latest.values()) {
      const group = value.slice(0, 1)
      expected.set(group, (expected.get(group) ?? 0) + 1)
    }
    const sizes = [...(await ran.counts('sizes'))].filter(([, size]) => size !== 0)
    expect(new Map(sizes)).toEqual(expected)
  },
})
