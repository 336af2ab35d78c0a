import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'

import { long, string } from '../../../src/index.ts'
import { inputRecords } from '../../../src/testing/properties/index.ts'

const words = {
  key: string(),
  keys: ['a', 'b', 'c'],
  value: string(),
  values: fc.string({ maxLength: 3 }),
  tombstones: true,
  nullKeys: true,
}
const numbers = { key: string(), keys: ['a', 'b'], value: long(), values: fc.nat(9) }
const inputs = inputRecords({
  topics: { words, numbers },
  startTimeMs: 1000,
  lateMs: 500,
  jumpMs: 10_000,
})

type Records = (typeof inputs extends fc.Arbitrary<infer R> ? R : never)[number]

const samples = fc.sample(inputs, { numRuns: 300, seed: 1 })
const all = samples.flat()

test('a record has the types of its topic', () => {
  expectTypeOf<Extract<Records, { topic: 'numbers' }>['value']>().toEqualTypeOf<number | null>()
  expectTypeOf<Extract<Records, { topic: 'words' }>['key']>().toEqualTypeOf<string | null>()
  // @ts-expect-error The values of a topic are those of its serde.
  inputRecords({ topics: { words: { ...words, values: fc.nat() } } })
})

describe('sequences have', () => {
  const follows = (is: (record: Records, before: Records, latest: number) => boolean): boolean =>
    samples.some(records => {
      let latest = -1
      return records.some((record, at) => {
        const before = records[at - 1]
        latest = Math.max(latest, before?.timestamp ?? -1)
        return before !== undefined && is(record, before, latest)
      })
    })

  test.each<[string, (record: Records, before: Records, latest: number) => boolean]>([
    ['equal times', (record, before) => record.timestamp === before.timestamp],
    ['records out of order', (record, _, latest) => record.timestamp < latest],
    ['late records', (record, _, latest) => record.timestamp < latest - 100],
    ['jumps of time', (record, _, latest) => record.timestamp > latest + 1000],
    ['duplicates', (record, before) => JSON.stringify(record) === JSON.stringify(before)],
  ])('%s', (_, is) => expect(follows(is)).toBe(true))

  test.each<[string, (record: Records) => boolean]>([
    ['tombstones', ({ value }) => value === null],
    ['records without a key', ({ key }) => key === null],
    ['all keys', ({ key }) => key === 'c'],
    ['all topics', ({ topic }) => topic === 'numbers'],
  ])('%s', (_, is) => expect(all.some(is)).toBe(true))

  test('only what was asked for', () => {
    const plain = inputRecords({ topics: { numbers }, outOfOrderMs: 0, duplicates: false })
    for (const records of fc.sample(plain, { numRuns: 100, seed: 1 })) {
      const times = records.map(({ timestamp }) => timestamp)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      for (const { key, value } of records) expect([key, value]).not.toContain(null)
    }
    for (const records of samples) expect(records.length).toBeLessThanOrEqual(30)
    for (const { topic, key, timestamp } of all) {
      expect(timestamp).toBeGreaterThanOrEqual(1000)
      if (topic === 'numbers') expect(key).not.toBeNull()
    }
  })
})

test.each<[string, (records: readonly Records[]) => boolean, Records[]]>([
  [
    'two records of a key out of order',
    records =>
      records.some((late, at) =>
        records
          .slice(0, at)
          .some(({ key, timestamp }) => key === late.key && timestamp > late.timestamp),
      ),
    [
      { topic: 'words', key: 'a', value: '', timestamp: 1001 },
      { topic: 'words', key: 'a', value: '', timestamp: 1000 },
    ],
  ],
  [
    'a number that is too large, long after a word',
    records => {
      const first = records.findIndex(({ topic }) => topic === 'words')
      const start = records[first]?.timestamp ?? Infinity
      return records
        .slice(first)
        .some(
          ({ topic, value, timestamp }) =>
            topic === 'numbers' && Number(value) > 4 && timestamp > start + 50,
        )
    },
    [
      { topic: 'words', key: 'a', value: '', timestamp: 1000 },
      { topic: 'numbers', key: 'a', value: 5, timestamp: 1051 },
    ],
  ],
])('what fails becomes small: %s', (_, fails, smallest) => {
  for (let seed = 1; seed <= 20; seed++) {
    const { counterexample } = fc.check(
      fc.property(inputs, records => !fails(records)),
      { numRuns: 2000, seed },
    )
    expect(counterexample?.[0].map(({ topic, timestamp }) => [topic, timestamp])).toEqual(
      smallest.map(({ timestamp }) => [expect.any(String), timestamp]),
    )
    expect(counterexample?.[0].map(({ key }) => key)).toEqual(smallest.map(({ key }) => key))
  }
})
