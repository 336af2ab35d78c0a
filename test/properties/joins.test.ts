import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type JoinWindows, StreamsBuilder, joinWindows, string } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'
import { type JoinInput, naiveStreamStreamJoin } from './stream-stream-join.ts'
import { type GraceInput, naiveStreamTableJoinWithGrace } from './stream-table-join-with-grace.ts'

/** Joins against interpreters that look at everything and remember all of it. */
const strings = { key: string(), value: string() }
const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)

const windowsArbitrary = fc
  .record({
    before: fc.integer({ min: -3, max: 12 }),
    after: fc.integer({ min: -3, max: 12 }),
    grace: fc.constantFrom(0, 0, 1, 5, 20),
    eager: fc.constantFrom(false, false, false, true),
  })
  .filter(({ before, after }) => before + after >= 0)
  .map(options => joinWindows(0, options))

/** Times near each other, with a jump now and then over more than a segment of a store. */
const timeArbitrary = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }) },
)

/** Keys of which one begins with another, and one that has a zero in it. */
const keyArbitrary = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'ab', 'a\0b') },
  { weight: 1, arbitrary: fc.constant(null) },
)

const inputsArbitrary = fc.array(
  fc.record({
    side: fc.constantFrom('left', 'right'),
    key: keyArbitrary,
    value: fc.oneof(
      { weight: 12, arbitrary: fc.constant('v') },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    timestamp: timeArbitrary,
  }),
  { maxLength: 30 },
)

/** Every value says which record it is. */
const numbered = (inputs: readonly JoinInput[]): JoinInput[] =>
  inputs.map((input, at) => ({ ...input, value: input.value && `${input.value}${at}` }))

const pair = (left: string | null, right: string | null): string => `${left}+${right}`

function driverOf(join: 'inner' | 'left' | 'outer', windows: JoinWindows): TestDriver {
  const builder = new StreamsBuilder()
  const left = builder.stream('left', strings)
  const right = builder.stream('right', strings)
  if (join === 'inner') left.join(right, pair, windows).to('out', strings)
  else if (join === 'left') left.leftJoin(right, pair, windows).to('out', strings)
  else left.outerJoin(right, pair, windows).to('out', strings)
  return new TestDriver(builder.build('app'))
}

describe.each(['inner', 'left', 'outer'] as const)('%s join of streams', join => {
  test('has the results of one that looks at everything, in their order', () => {
    fc.assert(
      fc.property(windowsArbitrary, inputsArbitrary, (windows, drawn) => {
        const inputs = numbered(drawn)
        const driver = driverOf(join, windows)
        for (const { side, key, value, timestamp } of inputs) {
          driver.inputTopic(side, strings).pipe(key, value, { timestamp })
        }
        const outputs = driver
          .outputTopic('out', strings)
          .readAll()
          .map(({ key, value, timestamp }) => ({ key, value, timestamp }))
        const expected = naiveStreamStreamJoin(join, windows, inputs)
        expect(outputs).toEqual(expected.outputs)
        expect(driver.droppedRecords).toBe(expected.dropped)
      }),
      { numRuns: runs },
    )
  })
})

/**
 * But for two differences that Kafka Streams makes too: by two stores a record that is as late as its store still shows
 * meets itself, and by one store it does not; without grace a store may let go of a partner before its right side has joined.
 */
test('a stream joined with itself gives the same from one store as from two', () => {
  const isAlike = ({ beforeMs, afterMs, graceMs }: JoinWindows): boolean =>
    beforeMs >= 0 && afterMs >= 0 && graceMs > 0
  fc.assert(
    fc.property(windowsArbitrary.filter(isAlike), inputsArbitrary, (windows, drawn) => {
      const retentionMs = windows.beforeMs + windows.afterMs + windows.graceMs
      const driverOf = (optimization: 'all' | 'none'): TestDriver => {
        const builder = new StreamsBuilder()
        const input = builder.stream('in', strings)
        input.join(input, pair, windows).to('out', strings)
        return new TestDriver(builder.build('app', { optimization }))
      }
      const [one, two] = [driverOf('all'), driverOf('none')]
      let streamTime = -1
      for (const { key, value, timestamp } of numbered(drawn)) {
        for (const driver of [one, two]) {
          driver.inputTopic('in', strings).pipe(key, value, { timestamp })
        }
        if (key !== null && value !== null) streamTime = Math.max(streamTime, timestamp)
        const isLate = timestamp <= streamTime - retentionMs + 1
        const expected = two
          .outputTopic('out', strings)
          .readAll()
          .filter(output => !isLate || output.value !== `${value}+${value}`)
        expect(one.outputTopic('out', strings).readAll()).toEqual(expected)
      }
    }),
    { numRuns: runs },
  )
})

describe.each(['inner', 'left'] as const)('%s join with a table, with grace', join => {
  test('has the results of one that keeps all versions and looks at all that waits', () => {
    const times = fc.record({
      graceMs: fc.constantFrom(0, 1, 5, 10),
      historyMs: fc.constantFrom(10, 30),
    })
    const input: fc.Arbitrary<GraceInput> = fc.record({
      topic: fc.constantFrom('stream', 'table'),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('v', 'w', 'x', null),
      timestamp: timeArbitrary,
    })
    fc.assert(
      fc.property(times, fc.array(input, { maxLength: 30 }), (chosen, inputs) => {
        const { graceMs: grace, historyMs: historyRetention } = chosen
        const builder = new StreamsBuilder()
        const table = builder.table('table', { ...strings, store: 'rows', historyRetention })
        const stream = builder.stream('stream', strings)
        const joined =
          join === 'inner'
            ? stream.join(table, pair, { grace })
            : stream.leftJoin(table, pair, { grace })
        joined.to('out', strings)
        const driver = new TestDriver(builder.build('app'))
        for (const { topic, key, value, timestamp } of inputs) {
          driver.inputTopic(topic, strings).pipe(key, value, { timestamp })
        }
        const outputs = driver
          .outputTopic('out', strings)
          .readAll()
          .map(({ key, value, timestamp }) => ({ key, value, timestamp }))
        const expected = naiveStreamTableJoinWithGrace(join, chosen, inputs)
        expect(outputs).toEqual(expected.outputs)
        expect(driver.droppedRecords).toBe(expected.dropped)
      }),
      { numRuns: runs },
    )
  })
})
