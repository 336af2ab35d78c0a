import type { CompressionCodec } from '../../../src/protocol/compression.ts'
import { RecordBatchBuilder } from '../../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../../src/protocol/record-batch-reader.ts'
import { stampProducer } from '../../../src/protocol/record-batch.ts'

export interface BatchOptions {
  readonly timestamp?: number
  readonly codec?: CompressionCodec
  readonly producer?: { id: bigint; epoch: number; sequence: number }
  /** In the producer's transaction. */
  readonly isTransactional?: boolean
  /** One for all records; null without. */
  readonly key?: string
}

/** A batch with one record for each value. */
export function batchOf(values: readonly string[], options: BatchOptions = {}): Buffer {
  const builder = new RecordBatchBuilder()
  const key = options.key === undefined ? null : Buffer.from(options.key)
  for (const value of values) builder.append(key, Buffer.from(value), options.timestamp ?? 1000, [])
  const batch = builder.build(options.codec === undefined ? {} : { codec: options.codec })
  const { producer, isTransactional = false } = options
  if (producer !== undefined) {
    const { id, epoch, sequence } = producer
    stampProducer(batch, {
      producerId: id,
      producerEpoch: epoch,
      baseSequence: sequence,
      isTransactional,
    })
  }
  return batch
}

/** `offset:value` of every record. */
export function recordsIn(batches: Buffer): string[] {
  const reader = new RecordReader()
  reader.reset(batches)
  const records: string[] = []
  while (reader.next()) records.push(`${reader.offset}:${reader.value?.toString() ?? 'null'}`)
  return records
}
