/**
 * What compaction makes of one batch. Its base offset, last offset delta, sequences and epochs stay, so what was removed
 * shows as a gap between the offsets of the records. (Kafka: MemoryRecords.filterTo.)
 */
import { codecOf, compress } from '../../../protocol/compression.ts'
import { writeInt64 } from '../../../protocol/int64.ts'
import type { RecordReader } from '../../../protocol/record-batch-reader.ts'
import * as batch from '../../../protocol/record-batch.ts'
import { varintSize, varlongSize, writeVarint, writeVarlong } from '../../../protocol/varint.ts'
import type { OffsetMap } from './offset-map.ts'

export interface CleaningRules {
  readonly newest: OffsetMap
  /** The broker's time in milliseconds. */
  readonly now: number
  readonly deleteRetentionMs: number
}

/**
 * The batch with the records that stay: those that are the newest of their key, tombstones only until the delete horizon
 * that the first cleaning gives their batch. The same bytes when nothing changes, null when no record is left. `reader`
 * is any reader, used over and over. Throws CORRUPT_DATA when the records cannot be decoded.
 */
export function cleanBatch(
  bytes: Buffer,
  reader: RecordReader,
  rules: CleaningRules,
): Buffer | null {
  const { newest, now } = rules
  const horizon = batch.deleteHorizon(bytes)
  const records: Buffer[] = []
  const timestamps: number[] = []
  let hasTombstone = false
  let largest = -1
  reader.reset(bytes)
  while (reader.next()) {
    const { key, timestamp } = reader
    if (key === null || newest.hasNewer(key, reader.offset)) continue
    if (reader.value === null) {
      if (horizon >= 0 && horizon <= now) continue
      hasTombstone = true
    }
    records.push(reader.encoded)
    timestamps.push(timestamp)
    if (timestamp > largest) largest = timestamp
  }
  if (records.length === 0) return null
  const setsHorizon = hasTombstone && horizon < 0
  if (records.length === batch.recordCount(bytes) && !setsHorizon) return bytes
  const base = setsHorizon
    ? Math.min(now + rules.deleteRetentionMs, Number.MAX_SAFE_INTEGER)
    : batch.baseTimestamp(bytes)
  const content = setsHorizon ? encodeAnew(records, timestamps, base) : encode(records)
  const codec = codecOf(batch.codecId(bytes)) ?? 'none'
  const cleaned = Buffer.concat([bytes.subarray(0, batch.headerBytes), compress(codec, content)])
  const flags = setsHorizon ? batch.attributeBit.deleteHorizon : 0
  cleaned.writeInt16BE(batch.attributes(bytes) | flags, 21)
  writeInt64(cleaned, base, 27)
  if (!batch.isLogAppendTime(bytes)) writeInt64(cleaned, largest, 35)
  cleaned.writeInt32BE(records.length, 57)
  return finish(cleaned)
}

/** The batch with the same records and the time from which it may be removed. `reader` is any reader. */
export function withDeleteHorizon(bytes: Buffer, reader: RecordReader, horizon: number): Buffer {
  const records: Buffer[] = []
  const timestamps: number[] = []
  reader.reset(bytes)
  while (reader.next()) {
    records.push(Buffer.from(reader.encoded))
    timestamps.push(reader.timestamp)
  }
  const codec = codecOf(batch.codecId(bytes)) ?? 'none'
  const content = compress(codec, encodeAnew(records, timestamps, horizon))
  const stamped = Buffer.concat([bytes.subarray(0, batch.headerBytes), content])
  stamped.writeInt16BE(batch.attributes(bytes) | batch.attributeBit.deleteHorizon, 21)
  writeInt64(stamped, horizon, 27)
  return finish(stamped)
}

/** The batch without its records, still telling what its producer has written. */
export function emptyBatch(bytes: Buffer): Buffer {
  const { codecs, deleteHorizon } = batch.attributeBit
  const empty = Buffer.from(bytes.subarray(0, batch.headerBytes))
  empty.writeInt16BE(batch.attributes(bytes) & ~(codecs | deleteHorizon), 21)
  writeInt64(empty, -1, 27)
  writeInt64(empty, -1, 35)
  empty.writeInt32BE(0, 57)
  return finish(empty)
}

/**
 * A batch of no producer and without records that stands for the offsets from that of `first`, the first batch that it
 * replaces, to before `nextOffset`: so batches still follow each other without a gap, which is how a reader knows that
 * none is missing.
 */
export function gapBatch(first: Buffer, nextOffset: number): Buffer {
  const gap = emptyBatch(first)
  gap.writeInt16BE(0, 21)
  gap.writeInt32BE(nextOffset - batch.baseOffset(first) - 1, 23)
  writeInt64(gap, -1, 43)
  gap.writeInt16BE(-1, 51)
  gap.writeInt32BE(-1, 53)
  return finish(gap)
}

function finish(bytes: Buffer): Buffer {
  bytes.writeInt32BE(bytes.length - 12, 8)
  batch.stampCrc(bytes)
  return bytes
}

function encode(records: readonly Buffer[]): Buffer {
  const chunks: Buffer[] = []
  for (const record of records) chunks.push(lengthOf(record.length), record)
  return Buffer.concat(chunks)
}

/** As `encode`, with the timestamps counted from another base. */
function encodeAnew(
  records: readonly Buffer[],
  timestamps: readonly number[],
  base: number,
): Buffer {
  const chunks: Buffer[] = []
  records.forEach((record, n) => {
    const delta = (timestamps[n] ?? 0) - base
    // One byte of attributes, the timestamp, and the rest.
    let restAt = 1
    while ((record[restAt] ?? 0) >= 0x80) restAt++
    const rest = record.subarray(restAt + 1)
    const start = Buffer.alloc(1 + varlongSize(delta))
    start[0] = record[0] ?? 0
    writeVarlong(start, delta, 1)
    chunks.push(lengthOf(start.length + rest.length), start, rest)
  })
  return Buffer.concat(chunks)
}

function lengthOf(size: number): Buffer {
  const length = Buffer.alloc(varintSize(size))
  writeVarint(length, size, 0)
  return length
}
