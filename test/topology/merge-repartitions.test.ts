import { describe, expect, test } from 'vitest'
import { type BuildOptions, type KStream, StreamsBuilder, string } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

const strings = { key: string(), value: string() }
type Define = (b: StreamsBuilder) => void

function repartitionTopics(define: Define, optimization: 'all' | 'none' = 'all'): string[] {
  const builder = new StreamsBuilder()
  define(builder)
  return builder
    .build('app', { optimization })
    .internalTopics.filter(({ kind }) => kind === 'repartition')
    .map(({ name }) => name)
}

const byLetter = (b: StreamsBuilder, topic: string): KStream<string, string> =>
  b.stream(topic, strings).selectKey((_, v) => v.slice(0, 1))

const count = (stream: KStream<string, string>, store: string): void =>
  stream.groupByKey(strings).count({ store }).toStream().to(store)

/** What comes out for the same records, optimised or not; nothing here depends on which internal topic is read first. */
function expectSameResults(define: Define, inputs: readonly string[]): void {
  const run = (optimization: 'all' | 'none'): unknown => {
    const builder = new StreamsBuilder()
    define(builder)
    const driver = new TestDriver(builder.build('app', { optimization }))
    for (let i = 0; i < 40; i++) {
      const topic = inputs[(i * 7) % inputs.length] ?? ''
      driver.inputTopic(topic, strings).pipe(`k${i % 3}`, `${'abc'[i % 3]}${i}`, { timestamp: i })
    }
    const internal = new Set(builder.build('app', { optimization }).internalTopics.map(t => t.name))
    const outputs = driver.readProduced().filter(({ topic }) => !internal.has(topic))
    return Map.groupBy(outputs, ({ topic }) => topic)
  }
  expect(run('all')).toEqual(run('none'))
}

describe('repartition topics that are merged', () => {
  test('those below one operator that both need', () => {
    const define: Define = b => {
      const kept = byLetter(b, 'in').filter(() => true)
      count(kept, 'one')
      count(kept, 'two')
      kept.to('kept', strings)
    }
    expect(repartitionTopics(define, 'none')).toHaveLength(2)
    expect(repartitionTopics(define)).toEqual(['app-one-repartition'])
    expectSameResults(define, ['in'])
  })

  test('those below merges of merges, behind the last one', () => {
    const define: Define = b => {
      const two = byLetter(b, 'a').merge(byLetter(b, 'b').filter(() => true))
      const three = two.filter(() => true).merge(byLetter(b, 'c').filter(() => true))
      count(three, 'one')
      count(three, 'two')
    }
    expect(repartitionTopics(define)).toEqual(['app-one-repartition'])
    expectSameResults(define, ['a', 'b', 'c'])
  })
})

describe('an input of a merge whose keys are as they were', () => {
  const define: Define = b => {
    const a = byLetter(b, 'a')
    count(a, 'one')
    count(b.stream('b', strings).merge(a), 'two')
  }

  test('needs no repartition topic, but as many partitions', () => {
    expect(repartitionTopics(define)).toEqual(['app-one-repartition'])
    expectSameResults(define, ['a', 'b'])
    const builder = new StreamsBuilder()
    define(builder)
    const topology = builder.build('app', { optimization: 'all' })
    expect(topology.subtopologies.map(part => part.copartitioned)).toEqual([
      [],
      [['app-one-repartition', 'b']],
    ])
  })
})

describe('repartition topics that stay', () => {
  test('one below a merge with another input, which would miss it', () => {
    const define: Define = b => {
      const a = byLetter(b, 'a')
      count(a, 'one')
      count(a.merge(byLetter(b, 'b')), 'two')
    }
    expect(repartitionTopics(define).sort()).toEqual(['app-one-repartition', 'app-two-repartition'])
    expectSameResults(define, ['a', 'b'])
  })

  test('one whose key was changed once more on the way', () => {
    const define: Define = b => {
      const a = byLetter(b, 'a')
      count(a, 'one')
      count(a.merge(a.selectKey(k => `${k}!`).filter(() => true)), 'two')
    }
    expect(repartitionTopics(define).sort()).toEqual(['app-one-repartition', 'app-two-repartition'])
    expectSameResults(define, ['a'])
  })
})

test('an optimisation that there is not is refused', () => {
  const options: BuildOptions = JSON.parse('{ "optimization": ["everything"] }')
  expect(() => new StreamsBuilder().build('app', options)).toThrow(
    /There is no optimization "everything"/,
  )
})
