import { describe, expect, test } from 'vitest'
import { keyValueStore } from '../../../src/dsl/stores.ts'
import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts'
import {
  calendar,
  hopping,
  joinWindows,
  logAndSkipOnInvalidTimestamp,
  sessions,
  sliding,
  string,
  tumbling,
  unlimited,
} from '../../../src/index.ts'
import { TestDriver } from '../../../src/testing/index.ts'

/** Timestamps that nobody meant: no hang, no wrong result, and what comes after them is processed. */
const text = { key: string(), value: string() }
const largest = Number.MAX_SAFE_INTEGER
/** The last millisecond that a Date can be. */
const lastDate = 8_640_000_000_000_000
const year10_000 = Date.UTC(10_000, 0)
const far = [year10_000, lastDate - 1, lastDate, lastDate + 1, largest - 1, largest]

const hops = hopping({ minutes: 10 }, { advance: { minutes: 5 } })
const days = calendar('day', { timeZone: 'Europe/Berlin' })
const years = calendar('year', { timeZone: 'UTC' })

type Seen = { start: number; end: number; count: number }[]
type Counting = (builder: StreamsBuilder, seen: Seen) => void

const note =
  (seen: Seen) =>
  ({ window }: { window: { start: number; end: number } }, count: number | null): void => {
    if (count !== null) seen.push({ ...window, count })
  }
const grouped = (builder: StreamsBuilder) => builder.stream('in', text).groupByKey()

const windows: Record<string, Counting> = {
  tumbling: (b, seen) =>
    grouped(b)
      .windowedBy(tumbling({ minutes: 1 }))
      .count()
      .toStream()
      .foreach(note(seen)),
  hopping: (b, seen) => grouped(b).windowedBy(hops).count().toStream().foreach(note(seen)),
  unlimited: (b, seen) => grouped(b).windowedBy(unlimited()).count().toStream().foreach(note(seen)),
  days: (b, seen) => grouped(b).windowedBy(days).count().toStream().foreach(note(seen)),
  years: (b, seen) => grouped(b).windowedBy(years).count().toStream().foreach(note(seen)),
  sessions: (b, seen) =>
    grouped(b)
      .windowedBy(sessions({ minutes: 1 }))
      .count()
      .toStream()
      .foreach(note(seen)),
  sliding: (b, seen) =>
    grouped(b)
      .windowedBy(sliding({ minutes: 1 }))
      .count()
      .toStream()
      .foreach(note(seen)),
}

describe.each(Object.entries(windows))('windows: %s', (kind, build) => {
  test.each(far)('count what is in the year of time %d', timestamp => {
    const seen: Seen = []
    const driver = new TestDriver(builder => build(builder, seen))
    const input = driver.inputTopic('in', text)
    input.pipe('a', 'x', { timestamp: 1000 })
    input.pipe('a', 'x', { timestamp })
    input.pipe('a', 'x', { timestamp })
    const last = seen.at(-1)
    expect(last?.count).toBe(kind === 'unlimited' ? 3 : 2)
    expect(last?.start).toBeLessThanOrEqual(timestamp)
    expect(last?.end).toBeGreaterThanOrEqual(timestamp)
    // Stream time has passed everything else: that is late, says the counter, and no error.
    input.pipe('a', 'x', { timestamp: 2000 })
    if (kind !== 'unlimited') expect(driver.droppedRecords).toBeGreaterThan(0)
    driver.close()
  })
})

test.each(far)('an outer join gives what waited when time jumps to %d', timestamp => {
  const driver = new TestDriver(builder => {
    const other = builder.stream('other', text)
    const within = joinWindows({ minutes: 1 })
    builder
      .stream('in', text)
      .outerJoin(other, (a, b) => `${a}${b}`, within)
      .to('out', text)
  })
  driver.inputTopic('in', text).pipe('a', 'x', { timestamp: 1000 })
  driver.inputTopic('other', text).pipe('b', 'y', { timestamp })
  driver.inputTopic('in', text).pipe('b', 'z', { timestamp })
  const out = driver.outputTopic('out', text).readAll()
  expect(out.map(({ value }) => value)).toEqual(['xnull', 'zy'])
  driver.close()
})

test.each(far)('punctuators by stream time are called once when time jumps to %d', timestamp => {
  const calls: [string, number][] = []
  const driver = new TestDriver(builder => {
    const marks = keyValueStore('marks', text)
    builder.stream('in', text).process(
      context => {
        for (const every of [1, 7, 60_000, 2 ** 40, largest]) {
          context.schedule({ every, type: 'streamTime' }, now => {
            calls.push([String(every), now])
          })
        }
        return { process() {} }
      },
      { stores: [marks] },
    )
  })
  const input = driver.inputTopic('in', text)
  input.pipe('a', 'x', { timestamp: 1000 })
  calls.length = 0
  input.pipe('a', 'x', { timestamp })
  const expected = timestamp === largest ? 5 : 4
  expect(calls).toHaveLength(expected)
  expect(new Set(calls.map(([every]) => every)).size).toBe(expected)
  calls.length = 0
  input.pipe('a', 'x', { timestamp })
  expect(calls).toEqual([])
  driver.close()
})

describe('negative timestamps', () => {
  test('stop the application, which says where', () => {
    const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
    const input = driver.inputTopic('in', text)
    expect(() => input.pipe('a', 'x', { timestamp: -1 })).toThrow(/topic in, partition 0, offset 0/)
  })

  test('or leave the record out, with a dead letter', () => {
    const driver = new TestDriver(builder => builder.stream('in', text).to('out'), {
      timestampExtractor: logAndSkipOnInvalidTimestamp,
      deadLetterTopic: 'dead',
      deadLetterDroppedRecords: true,
    })
    const input = driver.inputTopic('in', text)
    input.pipe('a', 'x', { timestamp: -5 })
    input.pipe('a', 'y', { timestamp: 5 })
    expect(driver.outputTopic('out', text).readAll()).toHaveLength(1)
    expect(driver.outputTopic('dead', text).readAll()).toMatchObject([{ key: 'a', value: 'x' }])
    driver.close()
  })
})
