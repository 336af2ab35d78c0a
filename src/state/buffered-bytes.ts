import type { RecordHeader } from '../protocol/record-batch-builder.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import { WireWriter } from '../protocol/wire-writer.ts'

/** A change that is held back, in bytes. */
export interface BufferedBytes {
  /** What the key held before the first change that waits. */
  readonly priorValue: Buffer | null
  /** What it held before the last one. */
  readonly oldValue: Buffer | null
  readonly newValue: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Where the record that made the change was read from. */
  readonly metadata: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  } | null
}

/**
 * Lengths and counts are unsigned varints, one more than the number, 0 for null: the prior value; the old one, which is left out
 * if it is the same (a byte says so); the new one; the topic, and of a topic that is not null the partition (int32) and the
 * offset (int64); the number of headers, key and value of each.
 */
export function writeBuffered(buffered: BufferedBytes): Buffer {
  const { priorValue, oldValue, newValue, headers, metadata } = buffered
  const isSame = oldValue === null ? priorValue === null : priorValue?.equals(oldValue) === true
  const writer = new WireWriter(128)
  writer.bytes(priorValue, true)
  writer.int8(isSame ? 1 : 0)
  if (!isSame) writer.bytes(oldValue, true)
  writer.bytes(newValue, true)
  writer.string(metadata?.topic ?? null, true)
  if (metadata !== null) {
    writer.int32(metadata.partition)
    writer.int64(metadata.offset)
  }
  writer.unsignedVarint(headers.length)
  for (const { key, value } of headers) {
    writer.string(key, true)
    writer.bytes(value, true)
  }
  return writer.written()
}

/** The inverse; values are views. */
export function readBuffered(bytes: Buffer): BufferedBytes {
  const reader = new WireReader(bytes)
  const priorValue = reader.bytes(true)
  const isSame = reader.int8() === 1
  const oldValue = isSame ? priorValue : reader.bytes(true)
  const newValue = reader.bytes(true)
  const topic = reader.string(true)
  const metadata =
    topic === null ? null : { topic, partition: reader.int32(), offset: reader.int64() }
  const headers: RecordHeader[] = []
  for (let left = reader.unsignedVarint(); left > 0; left--) {
    headers.push({ key: reader.string(true) ?? '', value: reader.bytes(true) })
  }
  return { priorValue, oldValue, newValue, headers, metadata }
}

/** Its prior value alone. */
export function readPrior(bytes: Buffer): Buffer | null {
  return new WireReader(bytes).bytes(true)
}
