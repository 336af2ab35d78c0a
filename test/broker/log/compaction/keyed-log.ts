import type { CompressionCodec } from '../../../../src/protocol/compression.ts'
import type { PartitionLog } from '../../../../src/broker/log/partition-log.ts'
import { RecordBatchBuilder } from '../../../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../../../src/protocol/record-batch-reader.ts'
import { nextOffset, sizeInBytes, stampProducer } from '../../../../src/protocol/record-batch.ts'

export interface KeyedRecord {
  readonly key: string
  /** Null for a tombstone. */
  readonly value: string | null
  readonly timestamp?: number
}

export interface FoundRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly header: string | undefined
}

export interface KeyedBatchOptions {
  readonly codec?: CompressionCodec
  readonly producer?: { id: bigint; sequence: number }
}

/** A batch of the records; each has a header that repeats its key. */
export function keyedBatch(
  records: readonly KeyedRecord[],
  { codec = 'none', producer }: KeyedBatchOptions = {},
): Buffer {
  const builder = new RecordBatchBuilder()
  for (const { key, value, timestamp = 1000 } of records) {
    const bytes = value === null ? null : Buffer.from(value)
    builder.append(Buffer.from(key), bytes, timestamp, [{ key: 'h', value: Buffer.from(key) }])
  }
  const batch = builder.build({ codec })
  if (producer !== undefined) {
    const { id, sequence } = producer
    stampProducer(batch, { producerId: id, producerEpoch: 0, baseSequence: sequence })
  }
  return batch
}

/** All visible records from an offset on, read as a consumer does that goes from batch end to batch end. */
export function recordsOf(log: PartitionLog, from = log.startOffset, maxBytes = 1): FoundRecord[] {
  const found: FoundRecord[] = []
  const reader = new RecordReader()
  let at = from
  while (at < log.highWatermark) {
    const batches = log.read(at, maxBytes)
    reader.reset(batches)
    while (reader.next()) {
      if (reader.offset < at) continue
      const { offset, key, value, timestamp, headers } = reader
      found.push({
        offset,
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        timestamp,
        header: headers[0]?.value?.toString(),
      })
    }
    for (let n = 0; n < batches.length; n += sizeInBytes(batches, n)) at = nextOffset(batches, n)
  }
  return found
}

/** The last value of each key; a tombstone takes the key out. */
export function tableOf(
  records: readonly Pick<FoundRecord, 'key' | 'value'>[],
): Map<string, string> {
  const table = new Map<string, string>()
  for (const { key, value } of records) {
    if (key === null) continue
    if (value === null) table.delete(key)
    else table.set(key, value)
  }
  return table
}
