import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { type StreamsBuilder, joinWindows, string } from '../../src/index.ts'
import { type Incident, databaseFolder, incidentArbitrary, runWithIncidents } from './restarts.ts'
import { type JoinInput, naiveStreamStreamJoin } from './stream-stream-join.ts'
import { type GraceInput, naiveStreamTableJoinWithGrace } from './stream-table-join-with-grace.ts'

/**
 * Joins that are committed, restarted, killed and restored on the way give what those give that look at everything. Stores
 * are in memory or in LevelDB.
 */
const text = { key: string(), value: string() }
const folder = databaseFolder()
afterAll(() => folder.remove())

const scale = Number(process.env['MILLRACE_RUNS'] ?? 10_000) / 10_000
const places = [
  { place: 'in memory', options: {}, numRuns: Math.ceil(400 * scale) },
  { place: 'in LevelDB', options: { folder: folder.path }, numRuns: Math.ceil(25 * scale) },
]

/** Steps, and at last a record that lets go of all that waits. */
const stepsOf = <Input>(
  input: fc.Arbitrary<Input>,
  last: Input,
): fc.Arbitrary<[Input, Incident][]> =>
  fc
    .array(fc.tuple(input, incidentArbitrary), { maxLength: 25 })
    .map(steps => [...steps, [last, 'none']])

const time = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 15 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }) },
)

const pair = (left: string | null, right: string | null): string => `${left}+${right}`

describe.each(places)('$place', ({ options, numRuns }) => {
  test.each(['inner', 'left', 'outer'] as const)('join of streams: %s', async join => {
    const windows = fc
      .record({
        before: fc.integer({ min: -3, max: 12 }),
        after: fc.integer({ min: -3, max: 12 }),
        grace: fc.constantFrom(0, 1, 5, 20),
        inMemory: fc.boolean(),
      })
      // A store in memory that retains nothing takes nothing, so nobody knows its time after a restart.
      .filter(({ before, after, grace, inMemory }) =>
        inMemory ? before + after >= 0 && before + after + grace > 0 : before + after >= 0,
      )
    const input: fc.Arbitrary<JoinInput> = fc.record({
      side: fc.constantFrom('left', 'right'),
      key: fc.constantFrom('a', 'b', 'a\0b'),
      value: fc.constantFrom('v', 'w', 'x'),
      timestamp: time,
    })
    const lastInput: JoinInput = { side: 'left', key: 'z', value: 'z', timestamp: 1e6 }
    await fc.assert(
      fc.asyncProperty(
        windows,
        stepsOf(input, lastInput),
        async ({ inMemory, ...chosen }, steps) => {
          const within = joinWindows(0, chosen)
          const build = (b: StreamsBuilder): void => {
            const [left, right] = [b.stream('left', text), b.stream('right', text)]
            const joined = {
              inner: () => left.join(right, pair, within, { inMemory }),
              left: () => left.leftJoin(right, pair, within, { inMemory }),
              outer: () => left.outerJoin(right, pair, within, { inMemory }),
            }
            joined[join]().to('out', text)
          }
          await using application = await runWithIncidents(
            build,
            { ...options, steps },
            (running, { side, key, value, timestamp }) =>
              running.inputTopic(side, text).pipe(key, value, { timestamp }),
          )
          const expected = naiveStreamStreamJoin(
            join,
            within,
            steps.map(([each]) => each),
            { inMemory },
          )
          expect(read(application)).toEqual(expected.outputs)
        },
      ),
      { numRuns },
    )
  })

  test.each(['inner', 'left'] as const)('join with a table, with grace: %s', async join => {
    const times = fc.record({
      graceMs: fc.constantFrom(0, 1, 10),
      historyMs: fc.constantFrom(10, 30),
    })
    const input: fc.Arbitrary<GraceInput> = fc.record({
      topic: fc.constantFrom('stream', 'table'),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('v', 'w', 'x', null),
      timestamp: time,
    })
    const lastInput: GraceInput = { topic: 'stream', key: 'z', value: 'z', timestamp: 1e6 }
    await fc.assert(
      fc.asyncProperty(times, stepsOf(input, lastInput), async (chosen, steps) => {
        const { graceMs: grace, historyMs: historyRetention } = chosen
        const build = (b: StreamsBuilder): void => {
          const table = b.table('table', { ...text, store: 'rows', historyRetention })
          const stream = b.stream('stream', text)
          const joined =
            join === 'inner'
              ? stream.join(table, pair, { grace })
              : stream.leftJoin(table, pair, { grace })
          joined.to('out', text)
        }
        await using application = await runWithIncidents(
          build,
          { ...options, steps },
          (running, { topic, key, value, timestamp }) =>
            running.inputTopic(topic, text).pipe(key, value, { timestamp }),
        )
        const inputs = steps.map(([each]) => each)
        const expected = naiveStreamTableJoinWithGrace(join, chosen, inputs)
        expect(read(application)).toEqual(expected.outputs)
      }),
      { numRuns },
    )
  })
})

function read(application: Awaited<ReturnType<typeof runWithIncidents>>): unknown[] {
  const outputs = application.outputTopic('out', text).readAll()
  return outputs.map(({ key, value, timestamp }) => ({ key, value, timestamp }))
}
