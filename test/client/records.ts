import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

/** A batch of records with these values and one key or none; record `i` has the timestamp `firstTimestamp + i`. */
export function batchOf(
  values: readonly string[],
  firstTimestamp = 1_000,
  { key }: { key?: string } = {},
): Buffer {
  const builder = new RecordBatchBuilder()
  const keyBytes = key === undefined ? null : Buffer.from(key)
  for (const [index, value] of values.entries()) {
    builder.append(keyBytes, Buffer.from(value), firstTimestamp + index, [])
  }
  return Buffer.from(builder.build())
}

/** Values and offsets of the records from `offset` on. */
export function recordsOf(batches: Buffer, offset = 0): { offset: number; value: string }[] {
  const records: { offset: number; value: string }[] = []
  const reader = new RecordReader()
  reader.reset(batches)
  while (reader.next()) {
    if (reader.offset < offset) continue
    records.push({ offset: reader.offset, value: reader.value?.toString() ?? '' })
  }
  return records
}

/** The same without the markers of transactions. */
export function committedValuesOf(batches: Buffer, offset = 0): string[] {
  const values: string[] = []
  const reader = new RecordReader()
  reader.reset(batches)
  while (reader.next()) {
    if (!reader.isControl && reader.offset >= offset) values.push(reader.value?.toString() ?? '')
  }
  return values
}

export const valuesOf = (batches: Buffer, offset = 0): string[] =>
  recordsOf(batches, offset).map(record => record.value)
