import { expect, test } from 'vitest'
import { StreamsBuilder, long, string, tumbling, windowed } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

/**
 * Joins with tables that are not read from a topic, which the recorded scenarios do not have: a row is looked up
 * wherever the table, or one that it derives from, is stored.
 */
const strings = { key: string(), value: string() }

function run(
  define: (b: StreamsBuilder) => void,
  input: [topic: string, key: string, value: string | null][],
): [key: string, value: string][] {
  const builder = new StreamsBuilder()
  define(builder)
  const driver = new TestDriver(builder.build('app'))
  const results: [string, string][] = []
  for (const [at, [topic, key, value]] of input.entries()) {
    driver.inputTopic(topic, strings).pipe(key, value, { timestamp: at })
    for (const record of driver.readProduced()) {
      if (record.topic === 'out') results.push([String(record.key), String(record.value)])
    }
  }
  return results
}

test('a stream made into a table, repartitioned because its key was changed', () => {
  const results = run(
    b => {
      const cities = b
        .stream('cities', strings)
        .selectKey((_, v) => v.slice(0, 1))
        .toTable(strings)
      b.stream('in', strings)
        .join(cities, (v, city) => `${v} ${city}`)
        .to('out', strings)
    },
    [
      ['cities', '1', 'Bern'],
      ['in', 'B', 'to'],
      ['cities', '2', 'Bonn'],
      ['in', 'B', 'to'],
      ['in', 'K', 'to'],
    ],
  )
  expect(results).toEqual([
    ['B', 'to Bern'],
    ['B', 'to Bonn'],
  ])
})

test('a count, seen through a filter and a mapping without stores', () => {
  const results = run(
    b => {
      const counts = b.stream('in', strings).groupByKey().count()
      const many = counts.filter((_, n) => n > 1).mapValues((n, key) => `${key}${n}`)
      b.stream('question', strings)
        .leftJoin(many, (_, answer) => answer ?? 'few')
        .to('out', strings)
    },
    [
      ['in', 'a', ''],
      ['question', 'a', '?'],
      ['in', 'a', ''],
      ['question', 'a', '?'],
      ['question', 'b', '?'],
    ],
  )
  expect(results).toEqual([
    ['a', 'few'],
    ['a', 'a2'],
    ['b', 'few'],
  ])
})

test('a mapped table with a store of its own, whose rows go with those of the source', () => {
  const results = run(
    b => {
      const lengths = b
        .table('table', strings)
        .mapValues(v => v.length, { store: 'lengths', value: long() })
      b.stream('in', strings)
        .leftJoin(lengths, (v, n) => `${v} ${n}`)
        .to('out', strings)
    },
    [
      ['table', 'k', 'four'],
      ['in', 'k', 'is'],
      ['table', 'k', null],
      ['in', 'k', 'is'],
    ],
  )
  expect(results).toEqual([
    ['k', 'is 4'],
    ['k', 'is null'],
  ])
})

test('a windowed count, by key and window', () => {
  const results = run(
    b => {
      const windows = b.stream('in', strings).groupByKey().windowedBy(tumbling(4)).count()
      b.stream('question', strings)
        .selectKey(key => ({ key, window: { start: 0, end: 4 } }))
        .leftJoin(windows, (_, n) => `${n}`, { key: windowed(string(), 4), value: string() })
        .selectKey(({ key }) => key)
        .to('out', strings)
    },
    [
      ['in', 'a', ''],
      ['in', 'a', ''],
      ['question', 'a', '?'],
      ['question', 'b', '?'],
    ],
  )
  expect(results).toEqual([
    ['a', '2'],
    ['b', 'null'],
  ])
})
