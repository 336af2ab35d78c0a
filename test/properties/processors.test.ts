import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import type { ReadOnlyKeyValueStore } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'
import { type BatchInput, batches, naiveBatches, text } from './batches.ts'
import { databaseFolder, incidentArbitrary, runWithIncidents } from './restarts.ts'

/** A processor with a store and punctuators on both clocks. */
const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)
const folder = databaseFolder()
afterAll(() => folder.remove())

const intervals = fc.record({
  streamTime: fc.integer({ min: 1, max: 30 }),
  wallClock: fc.integer({ min: 1, max: 30 }),
})
const record = fc.record({
  key: fc.constantFrom('a', 'b', 'ab', 'a\0b'),
  value: fc.constantFrom('1', '2', '3'),
  timestamp: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 100 }) },
    { weight: 1, arbitrary: fc.maxSafeNat() },
  ),
})
const input: fc.Arbitrary<BatchInput> = fc.oneof(
  { weight: 3, arbitrary: record },
  { weight: 1, arbitrary: fc.record({ advance: fc.integer({ min: 0, max: 50 }) }) },
)

test('has the results of one that looks at every time there is', () => {
  fc.assert(
    fc.property(intervals, fc.array(input, { maxLength: 20 }), (every, inputs) => {
      const driver = new TestDriver(builder => batches(builder, every))
      for (const each of inputs) {
        if ('advance' in each) driver.advance(each.advance)
        else driver.inputTopic('in', text).pipe(each.key, each.value, each)
      }
      const outputs = driver.outputTopic('out', text).readAll()
      expect(outputs.map(({ key, value, timestamp }) => ({ key, value, timestamp }))).toEqual(
        naiveBatches(every, inputs),
      )
    }),
    { numRuns: runs },
  )
})

describe.each([
  { place: 'in memory', options: {}, numRuns: Math.ceil(runs / 25) },
  { place: 'in LevelDB', options: { folder: folder.path }, numRuns: Math.ceil(runs / 400) },
])('$place', ({ options, numRuns }) => {
  // A restart begins the punctuators anew, so batches end elsewhere: but nothing is lost, doubled or out of order.
  test('restarts and kills lose and double nothing', async () => {
    const steps = fc.array(fc.tuple(record, incidentArbitrary), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(intervals, steps, async (every, given) => {
        await using application = await runWithIncidents(
          builder => batches(builder, every),
          { ...options, steps: given },
          (running, { key, value, timestamp }) =>
            running.inputTopic('in', text).pipe(key, value, { timestamp }),
        )
        const waiting = application.store<ReadOnlyKeyValueStore<string, string>>('waiting')
        const sent = application.outputTopic('out', text).readAll()
        for (const key of ['a', 'b', 'ab', 'a\0b']) {
          const gone = sent.filter(each => each.key === key).map(({ value }) => value)
          const all = [...gone, waiting.get(key)?.value ?? ''].join('')
          expect(all).toBe(
            given
              .filter(([each]) => each.key === key)
              .map(([{ value }]) => value)
              .join(''),
          )
        }
      }),
      { numRuns },
    )
  })
})
