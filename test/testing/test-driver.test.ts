import { describe, expect, expectTypeOf, test } from 'vitest'

import {
  defineApp,
  json,
  long,
  type StreamsBuilder,
  string,
  tumbling,
  windowed,
} from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

const strings = { key: string(), value: string() }

interface Sum {
  readonly n: number
  readonly total: number
}

const app = defineApp('sums', builder => {
  builder
    .stream('numbers', { key: string(), value: json<{ amount: number }>() })
    .groupByKey()
    .windowedBy(tumbling({ seconds: 10 }))
    .aggregate(
      (): Sum => ({ n: 0, total: 0 }),
      (_, { amount }, sum) => ({ n: sum.n + 1, total: sum.total + amount }),
      { store: 'sums', value: json<Sum>() },
    )
    .toStream()
    .to('sums-by-key')
})

test('a piped record is processed when pipe returns, typed end to end', () => {
  using driver = new TestDriver(app)
  const numbers = driver.inputTopic('numbers', { key: string(), value: json<{ amount: number }>() })
  const sums = driver.outputTopic('sums-by-key', {
    key: windowed(string(), 10_000),
    value: json<Sum>(),
  })
  numbers.pipe('a', { amount: 2 }, { timestamp: 1000 })
  numbers.pipe('a', { amount: 3 }, { timestamp: 9000 })
  expect(sums.size).toBe(2)
  const first = sums.read()
  expectTypeOf(first?.value).toEqualTypeOf<Sum | null | undefined>()
  expect(first).toEqual({
    key: { key: 'a', window: { start: 0, end: 10_000 } },
    value: { n: 1, total: 2 },
    timestamp: 1000,
    headers: [],
  })
  expect(sums.readAll().map(({ value }) => value)).toEqual([{ n: 2, total: 5 }])
  expect(sums.read()).toBeUndefined()
  const store = driver.windowStore<string, Sum>('sums')
  expect(store.fetch('a', 0)).toEqual({ value: { n: 2, total: 5 }, timestamp: 9000 })
  expect(store.rows()).toEqual([
    { key: 'a', windowStart: 0, value: { n: 2, total: 5 }, timestamp: 9000 },
  ])
  numbers.pipe('a', { amount: 1 }, { timestamp: 30_000 })
  numbers.pipe('a', { amount: 1 }, { timestamp: 19_999 })
  expect(driver.droppedRecords).toBe(1)
})

test('one app can be driven many times: nothing is shared', () => {
  const totals = [1, 2].map(() => {
    using driver = new TestDriver(app)
    driver.inputTopic('numbers', { key: string(), value: json() }).pipe('a', { amount: 1 })
    return driver.windowStore<string, Sum>('sums').fetch('a', 0)?.value.n
  })
  expect(totals).toEqual([1, 1])
})

test('what is written to a topic that is read is processed in the same step', () => {
  const driver = new TestDriver((builder: StreamsBuilder) => {
    builder
      .stream('in', strings)
      .mapValues(value => `${value}1`)
      .to('middle', strings)
    builder
      .stream('middle', strings)
      .mapValues(value => `${value}2`)
      .to('out', strings)
    builder
      .stream('in', strings)
      .groupBy((_, value) => value, strings)
      .count({ store: 'counts' })
      .toStream()
      .to('counts', { value: long() })
  })
  driver.inputTopic('in', strings).pipe('k', 'x', { timestamp: 7 })
  expect(driver.outputTopic('out', strings).readAll()).toEqual([
    { key: 'k', value: 'x12', timestamp: 7, headers: [] },
  ])
  expect(driver.keyValueStore<string, number>('counts').get('x')).toEqual({
    value: 1,
    timestamp: 7,
  })
  expect(driver.producedTopics.toSorted((a, b) => a.localeCompare(b))).toEqual([
    'counts',
    'middle',
    'out',
    'test-counts-changelog',
    'test-counts-repartition',
  ])
})

describe('global tables', () => {
  const build = (builder: StreamsBuilder): void => {
    const names = builder.globalTable('names', { ...strings, store: 'names' })
    builder
      .stream('in', strings)
      .join(
        names,
        (_, value) => value,
        (value, name) => `${value} is ${name}`,
      )
      .to('out', strings)
  }

  test('are fed directly and can be read', () => {
    const driver = new TestDriver(build)
    driver.inputTopic('in', strings).pipe('k', 'x')
    driver.inputTopic('names', strings).pipe('x', 'Xaver')
    driver.inputTopic('in', strings).pipe('k', 'x')
    const out = driver.outputTopic('out', strings)
    expect(out.readAll().map(({ value }) => value)).toEqual(['x is Xaver'])
    expect(driver.keyValueStore('names').rows()).toEqual([
      { key: 'x', value: 'Xaver', timestamp: 0 },
    ])
  })
})

test('records without a timestamp have the time of the clock, which stands until it is moved', () => {
  const driver = new TestDriver(
    (builder: StreamsBuilder) => builder.stream('in', strings).to('out', strings),
    { startTimeMs: 500 },
  )
  const input = driver.inputTopic('in', strings)
  input.pipe('k', 'a')
  driver.advance(20)
  input.pipe('k', 'b', { headers: [{ key: 'h', value: Buffer.from('1') }] })
  input.pipe('k', null, { timestamp: 3 })
  expect(driver.now).toBe(520)
  expect(driver.outputTopic('out', strings).readAll()).toEqual([
    { key: 'k', value: 'a', timestamp: 500, headers: [] },
    { key: 'k', value: 'b', timestamp: 520, headers: [{ key: 'h', value: Buffer.from('1') }] },
    { key: 'k', value: null, timestamp: 3, headers: [] },
  ])
})

test('names that the topology does not know are refused with those that it does', () => {
  const driver = new TestDriver(app)
  expect(() => driver.outputTopic('smus', strings)).toThrow(
    /does not write the topic smus\. It writes: .*sums-by-key/,
  )
  expect(() => driver.inputTopic('nubmers', strings)).toThrow(
    expect.objectContaining({
      code: 'MISSING_TOPIC',
      message: 'The topology does not read the topic nubmers. It reads: numbers.',
    }),
  )
  expect(() => driver.keyValueStore('sums')).toThrow(/no key-value store sums/)
  expect(() => driver.windowStore('total')).toThrow(/no window store total/)
})

test('what the topology throws comes out of pipe', () => {
  const driver = new TestDriver((builder: StreamsBuilder) => {
    builder.stream('in', strings).foreach(() => {
      throw new RangeError('too far')
    })
  })
  expect(() => driver.inputTopic('in', strings).pipe('k', 'v')).toThrow(
    expect.objectContaining({ code: 'PROCESSING_ERROR', cause: expect.any(RangeError) }),
  )
})

describe('with several partitions', () => {
  const build = (builder: StreamsBuilder): void => {
    const words = builder.stream('words', strings)
    words.groupByKey().count({ store: 'by-key' })
    words
      .groupBy((_, value) => value, strings)
      .count({ store: 'by-value' })
      .toStream()
      .to('counts', { value: long() })
  }

  test('records reach the tasks of their partitions, through repartition topics too', () => {
    using driver = new TestDriver(build, { partitions: 3 })
    const words = driver.inputTopic('words', strings)
    for (const key of ['a', 'b', 'c', 'd', 'a']) words.pipe(key, 'x', { timestamp: 5 })
    words.pipe('a', 'y')
    expect(driver.keyValueStore<string, number>('by-key').get('a')?.value).toBe(3)
    const rows = driver.keyValueStore('by-key').rows()
    expect(new Set(rows.map(({ key }) => key))).toEqual(new Set(['a', 'b', 'c', 'd']))
    expect(driver.keyValueStore('by-value').get('x')).toEqual({ value: 5, timestamp: 5 })
    const counts = driver.outputTopic('counts', { key: string(), value: long() }).readAll()
    expect(counts.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 1])
  })

  test('each partition has its own stream time', () => {
    const perMinute = tumbling({ minutes: 1 })
    const drop = (partition: number): number => {
      using driver = new TestDriver(
        builder => builder.stream('words', strings).groupByKey().windowedBy(perMinute).count(),
        { partitions: { words: 2 } },
      )
      const words = driver.inputTopic('words', strings)
      words.pipe('a', 'x', { timestamp: 600_000, partition: 0 })
      words.pipe('a', 'x', { timestamp: 0, partition })
      return driver.droppedRecords
    }
    expect([drop(0), drop(1)]).toEqual([1, 0])
  })

  test('a partition that is not there is refused, and so are joins of topics that differ', () => {
    const driver = new TestDriver(build, { partitions: 2 })
    const words = driver.inputTopic('words', strings)
    expect(() => words.pipe('a', 'x', { partition: 2 })).toThrow('words has 2 partitions')
    const join = (builder: StreamsBuilder): void => {
      const table = builder.table('table', strings)
      builder
        .stream('stream', strings)
        .join(table, (left, right) => left + right)
        .to('out', strings)
    }
    expect(() => new TestDriver(join, { partitions: { stream: 2 } })).toThrow(
      expect.objectContaining({ code: 'WRONG_PARTITIONS' }),
    )
    new TestDriver(join, { partitions: { stream: 2, table: 2 } }).close()
  })

  test('global tables are the same for all tasks', () => {
    const driver = new TestDriver(
      builder => {
        const names = builder.globalTable('names', { ...strings, store: 'names' })
        const of = (_: string, value: string): string => value
        builder
          .stream('in', strings)
          .join(names, of, (_, name) => name)
          .to('out', strings)
      },
      { partitions: 4 },
    )
    for (const name of ['x', 'y', 'z']) driver.inputTopic('names', strings).pipe(name, name)
    for (const key of ['a', 'b', 'c', 'd']) driver.inputTopic('in', strings).pipe(key, 'z')
    expect(driver.outputTopic('out', strings).size).toBe(4)
    expect(driver.keyValueStore('names').rows()).toHaveLength(3)
  })
})
