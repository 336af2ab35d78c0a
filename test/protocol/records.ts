import * as fc from 'fast-check'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import type { BuildOptions, RecordHeader } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import type { RecordReaderOptions } from '../../src/protocol/record-batch-reader.ts'

export interface TestRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers: readonly RecordHeader[]
}

export interface ReadRecord extends TestRecord {
  readonly offset: number
}

const bytes = fc
  .oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 60, maxLength: 300 }))
  .map(array => Buffer.from(array))
const nullableBytes = fc.option(bytes, { freq: 4 })

const timestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.integer({ min: -1, max: 2 ** 52 }),
)

export const someRecords: fc.Arbitrary<TestRecord[]> = fc.array(
  fc.record(
    {
      key: nullableBytes,
      value: nullableBytes,
      timestamp,
      headers: fc.array(
        fc.record(
          { key: fc.string({ unit: 'grapheme', maxLength: 10 }), value: nullableBytes },
          { noNullPrototype: true },
        ),
        { maxLength: 3 },
      ),
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 30 },
)

export function build(records: readonly TestRecord[], options: BuildOptions): Buffer {
  const builder = new RecordBatchBuilder()
  for (const { key, value, timestamp, headers } of records) {
    builder.append(key, value, timestamp, headers)
  }
  return builder.build(options)
}

/** Everything a reader finds, as objects. */
export function readAll(batches: Buffer, options: RecordReaderOptions = {}): ReadRecord[] {
  const reader = new RecordReader(options)
  reader.reset(batches)
  const records: ReadRecord[] = []
  while (reader.next()) {
    const { offset, key, value, timestamp, headers } = reader
    records.push({ offset, key, value, timestamp, headers })
  }
  return records
}
