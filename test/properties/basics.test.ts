import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { type StreamsBuilder, string } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'
import { inputRecords } from '../../src/testing/properties/index.ts'
import {
  type Interpreter,
  naiveAggregate,
  naiveCount,
  naiveGlobalJoin,
  naiveReduce,
  naiveStateless,
  naiveStreamTableJoin,
  naiveTableGroupBy,
  naiveTableTableJoin,
  type TextRecord,
} from './basics.ts'
import { databaseFolder, incidentArbitrary, runWithIncidents } from './restarts.ts'

/**
 * Operators without windows against interpreters that look at everything read so far: 10,000 sequences of records each as they
 * come, fewer with commits, restarts, kills and restores in between, in memory and in LevelDB.
 */
const text = { key: string(), value: string() }
const folder = databaseFolder()
afterAll(() => folder.remove())

const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)

const topic = {
  ...text,
  keys: ['a', 'b', 'ab'],
  values: fc.constantFrom('x', 'y', 'zy', 'a', 'b'),
  tombstones: true,
}
const oneWithNulls = inputRecords({ topics: { left: { ...topic, nullKeys: true } }, maxLength: 12 })
const two = inputRecords({ topics: { left: topic, right: topic }, maxLength: 12 })
const twoWithNulls = inputRecords({
  topics: { left: { ...topic, nullKeys: true }, right: topic },
  maxLength: 12,
})

interface Operator {
  readonly build: (builder: StreamsBuilder) => void
  readonly naive: Interpreter
  readonly inputs: fc.Arbitrary<TextRecord[]>
}

const streamTableJoin = (join: 'inner' | 'left'): Operator => ({
  build: builder => {
    const stream = builder.stream('left', text)
    const table = builder.table('right', text)
    const joiner = (value: string, row: string | null): string => `${value}&${row ?? 'nothing'}`
    const joined = join === 'inner' ? stream.join(table, joiner) : stream.leftJoin(table, joiner)
    joined.to('out', text)
  },
  naive: naiveStreamTableJoin(join),
  inputs: twoWithNulls,
})

const globalJoin = (join: 'inner' | 'left'): Operator => ({
  build: builder => {
    const stream = builder.stream('left', text)
    const table = builder.globalTable('right', text)
    const key = (_: string, value: string): string => value
    const joiner = (value: string, row: string | null): string => `${value}&${row ?? 'nothing'}`
    const joined =
      join === 'inner' ? stream.join(table, key, joiner) : stream.leftJoin(table, key, joiner)
    joined.to('out', text)
  },
  naive: naiveGlobalJoin(join),
  inputs: two,
})

const operators: Record<string, Operator> = {
  count: {
    build: builder =>
      builder
        .stream('left', text)
        .groupByKey()
        .count()
        .toStream()
        .mapValues(count => `${count}`)
        .to('out', text),
    naive: naiveCount,
    inputs: oneWithNulls,
  },
  reduce: {
    build: builder =>
      builder
        .stream('left', text)
        .groupByKey()
        .reduce((before, value) => `${before}+${value}`)
        .toStream()
        .to('out', text),
    naive: naiveReduce,
    inputs: oneWithNulls,
  },
  aggregate: {
    build: builder =>
      builder
        .stream('left', text)
        .groupByKey()
        .aggregate(
          () => '.',
          (_, value, all) => `${all}${value.length}`,
          { value: string() },
        )
        .toStream()
        .to('out', text),
    naive: naiveAggregate,
    inputs: oneWithNulls,
  },
  'count of a table by value': {
    build: builder =>
      builder
        .table('left', text)
        .groupBy((key, value) => [value, key], text)
        .count()
        .toStream()
        .mapValues(count => `${count}`)
        .to('out', text),
    naive: naiveTableGroupBy,
    inputs: oneWithNulls,
  },
  'join of a stream with a table': streamTableJoin('inner'),
  'left join of a stream with a table': streamTableJoin('left'),
  'join with a global table': globalJoin('inner'),
  'left join with a global table': globalJoin('left'),
  'join of tables': {
    build: builder =>
      builder
        .table('left', text)
        .join(builder.table('right', text), (left, right) => `${left}&${right}`)
        .toStream()
        .to('out', text),
    naive: naiveTableTableJoin,
    inputs: two,
  },
  'branches, flatMap and merge': {
    build: builder => {
      const values = builder
        .stream('left', text)
        .merge(builder.stream('right', text))
        .filter((_, value) => value !== null)
      const { x, rest } = values
        .split()
        .branch((_, value) => value.startsWith('x'), { name: 'x' })
        .defaultBranch({ name: 'rest' })
      const letters = rest
        .flatMap((key, value) =>
          value.split('').map((letter): [string, string] => [`${key}!`, letter]),
        )
        .mapValues(letter => letter.toUpperCase())
      x.mapValues(value => `branch ${value}`)
        .merge(letters)
        .to('out', text)
    },
    naive: naiveStateless,
    inputs: twoWithNulls,
  },
}

describe.each(Object.entries(operators))('%s', (_, { build, naive, inputs }) => {
  test('gives what the interpreter gives', () => {
    fc.assert(
      fc.property(inputs, records => {
        const driver = new TestDriver(build)
        for (const { topic, key, value, timestamp } of records) {
          driver.inputTopic(topic, text).pipe(key, value, { timestamp })
        }
        expect(plain(driver.outputTopic('out', text).readAll())).toEqual(naive(records))
      }),
      { numRuns: runs },
    )
  })

  test.each([
    { place: 'in memory', options: {}, numRuns: Math.ceil(runs / 25) },
    { place: 'in LevelDB', options: { folder: folder.path }, numRuns: Math.ceil(runs / 400) },
  ])('the same with restarts and restores, $place', async ({ options, numRuns }) => {
    const incidents = fc.array(incidentArbitrary, { minLength: 12, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(inputs, incidents, async (records, drawn) => {
        const steps = records.map((record, at): [TextRecord, (typeof drawn)[number]] => [
          record,
          drawn[at] ?? 'none',
        ])
        await using application = await runWithIncidents(
          build,
          { ...options, steps },
          (running, { topic, key, value, timestamp }) =>
            running.inputTopic(topic, text).pipe(key, value, { timestamp }),
        )
        const outputs = plain(application.outputTopic('out', text).readAll())
        expect(outputs).toEqual(naive(records))
      }),
      { numRuns },
    )
  })
})

function plain(
  outputs: readonly { key: string | null; value: unknown; timestamp: number }[],
): unknown[] {
  return outputs.map(({ key, value, timestamp }) => ({ key, value, timestamp }))
}
