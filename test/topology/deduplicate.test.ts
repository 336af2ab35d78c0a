import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  describe as describeTopology,
  type KStream,
  StreamsBuilder,
  string,
} from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }
const withinMs = 100
const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)

interface Input {
  readonly key: string | null
  readonly value: string
  readonly timestamp: number
}

/** What comes out, as `key=value` and time, and how many were dropped. */
function run(
  deduplicate: (stream: KStream<string, string>) => KStream<string, string>,
  inputs: readonly Input[],
): { out: string[]; dropped: number } {
  const driver = new TestDriver(builder => {
    deduplicate(builder.stream('in', text)).to('out')
  })
  const topic = driver.inputTopic('in', text)
  for (const { key, value, timestamp } of inputs) topic.pipe(key, value, { timestamp })
  const out = driver.outputTopic('out', text).readAll()
  return {
    out: out.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`),
    dropped: driver.droppedRecords,
  }
}

/** Looks at everything that was let through so far. */
function naive(inputs: readonly Input[], identify: (input: Input) => string | null): string[] {
  const kept: Input[] = []
  const remembered: { identity: string; timestamp: number }[] = []
  let streamTime = -1
  for (const input of inputs) {
    streamTime = Math.max(streamTime, input.timestamp)
    const identity = input.key === null ? null : identify(input)
    const isDuplicate = remembered.some(
      first =>
        first.identity === identity &&
        streamTime - first.timestamp <= withinMs &&
        first.timestamp - input.timestamp <= withinMs,
    )
    if (isDuplicate) continue
    kept.push(input)
    if (identity !== null && streamTime - input.timestamp <= withinMs) {
      remembered.push({ identity, timestamp: input.timestamp })
    }
  }
  return kept.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`)
}

const inputs = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'a\0', null),
    value: fc.constantFrom('x', 'y', 'none'),
    timestamp: fc.oneof(fc.integer({ min: 0, max: 250 }), fc.integer({ min: 0, max: 300_000 })),
  }),
  { maxLength: 40, size: 'max' },
)

describe('deduplication', () => {
  test('by key lets through what nothing let through stands near', () => {
    fc.assert(
      fc.property(inputs, records => {
        const { out, dropped } = run(stream => stream.deduplicateByKey(withinMs), records)
        expect(out).toEqual(naive(records, ({ key }) => key))
        expect(dropped).toBe(records.length - out.length)
      }),
      { numRuns: runs },
    )
  })

  test('by key and id tells ids of one key apart, and lets through what has none', () => {
    const idOf = (value: string): string | null => (value === 'none' ? null : value)
    fc.assert(
      fc.property(inputs, records => {
        const { out } = run(
          stream =>
            stream.deduplicateByKeyValue((_, value) => idOf(value), withinMs, { id: string() }),
          records,
        )
        const expected = naive(records, ({ key, value }) => {
          const id = idOf(value)
          return id === null ? null : `${key} ${id}`
        })
        expect(out).toEqual(expected)
      }),
      { numRuns: runs },
    )
  })

  test('includes both ends of the interval', () => {
    const at = (...timestamps: number[]): Input[] =>
      timestamps.map(timestamp => ({ key: 'a', value: String(timestamp), timestamp }))
    const byKey = (stream: KStream<string, string>): KStream<string, string> =>
      stream.deduplicateByKey(withinMs)
    expect(run(byKey, at(0, 100)).out).toEqual(['a=0@0'])
    expect(run(byKey, at(0, 101)).out).toEqual(['a=0@0', 'a=101@101'])
    expect(run(byKey, at(200, 50)).out).toEqual(['a=200@200', 'a=50@50'])
  })

  test('needs records in the partitions of their keys', () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', text)
      .selectKey((_, value) => value)
      .deduplicateByKey(withinMs, { name: 'once', store: 'seen', ...text })
      .to('out')
    const lines = describeTopology(builder.build('app'))
    expect(lines).toContain('Sink: once-repartition-sink (topic: once-repartition)')
    expect(lines).toContain('Processor: once (stores: [seen])')
  })
})
