import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import type { PartitionBatch } from '../../src/client/log-client.ts'
import type { CompressionCodec } from '../../src/protocol/compression.ts'
import { codecId } from '../../src/protocol/record-batch.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { RecordCollector } from '../../src/runtime/record-collector.ts'

const key = fc.option(fc.string({ maxLength: 3 }))
const value = fc.option(fc.string({ maxLength: 60 }))

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function valuesByPartition(batches: readonly PartitionBatch[]): Map<string, (string | null)[]> {
  const reader = new RecordReader()
  const values = new Map<string, (string | null)[]>()
  for (const { topic, partition, batch } of batches) {
    const name = `${topic}-${partition}`
    const list = values.get(name) ?? []
    values.set(name, list)
    reader.reset(batch)
    while (reader.next()) list.push(reader.value?.toString() ?? null)
  }
  return values
}

test('every record is drained once, in order within its partition, in bounded batches', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.record({ key, value }), fc.constant('drain' as const))),
      steps => {
        const collector = new RecordCollector({ partitions: () => 3, maxBatchBytes: 200 })
        const expected: (string | null)[] = []
        const drained: PartitionBatch[] = []
        for (const step of steps) {
          if (step === 'drain') {
            drained.push(...collector.drain())
            expect(collector.bufferedBytes).toBe(0)
          } else {
            const bytes = step.key === null ? null : Buffer.from(step.key)
            const text = step.value === null ? null : `${expected.length} ${step.value}`
            expected.push(text)
            collector
              .topic('t')
              .append(null, bytes, text === null ? null : Buffer.from(text), 1, [])
          }
        }
        drained.push(...collector.drain())
        const values = valuesByPartition(drained)
        const all = [...values.values()].flat()
        expect(all.map(String).toSorted(byText)).toEqual(expected.map(String).toSorted(byText))
        for (const list of values.values()) {
          const numbers = list.flatMap(text => (text === null ? [] : [Number.parseInt(text, 10)]))
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
        }
        // A batch ends with the record that fills it.
        for (const { batch } of drained) expect(batch.length).toBeLessThan(200 + 400)
      },
    ),
    { numRuns: 200 },
  )
})

test('records without a key go to one partition until its batch ends, then to the next', () => {
  const collector = new RecordCollector({ partitions: () => 3 })
  const partitions: number[] = []
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 5; i++) collector.topic('t').append(null, null, Buffer.from('v'), 1, [])
    partitions.push(...collector.drain().map(({ partition }) => partition))
  }
  expect(partitions).toEqual([0, 1, 2, 0])
})

test('what is discarded is not sent', () => {
  const collector = new RecordCollector({ partitions: () => 1, maxBatchBytes: 100 })
  for (let i = 0; i < 20; i++) {
    collector.topic('t').append(0, null, Buffer.from('a value'), 1, [])
  }
  collector.discard()
  expect(collector.drain()).toEqual([])
  expect(collector.bufferedBytes).toBe(0)
})

test.each<[CompressionCodec, number]>([
  ['none', 0],
  ['gzip', 1],
  ['snappy', 2],
  ['lz4', 3],
  ['zstd', 4],
])('batches are compressed with %s, after their size was measured', (compressionType, id) => {
  const collector = new RecordCollector({
    partitions: () => 1,
    maxBatchBytes: 10_000,
    compressionType,
  })
  const text = 'a value that is much like the others '.repeat(10)
  for (let i = 0; i < 100; i++) {
    collector.topic('t').append(0, null, Buffer.from(`${i} ${text}`), 1, [])
  }
  expect(collector.bufferedBytes).toBeGreaterThan(37_000)
  const batches = collector.drain()
  expect(batches.length).toBe(4)
  expect(batches.map(({ batch }) => codecId(batch))).toEqual(batches.map(() => id))
  const values = valuesByPartition(batches).get('t-0')
  expect(values).toEqual(Array.from({ length: 100 }, (_, i) => `${i} ${text}`))
  const bytes = batches.reduce((sum, { batch }) => sum + batch.length, 0)
  if (compressionType === 'none') expect(bytes).toBeGreaterThan(37_000)
  else expect(bytes).toBeLessThan(8_000)
})
