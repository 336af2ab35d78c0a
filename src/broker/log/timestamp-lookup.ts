/**
 * Records by timestamp (Kafka: LogSegment.findOffsetByTimestamp). The time index says where to begin, batch headers
 * which batch is meant, and only that batch is decoded.
 */
import { RecordReader } from '../../protocol/record-batch-reader.ts'
import * as batch from '../../protocol/record-batch.ts'
import { scanBatches } from './batch-scan.ts'
import type { BatchPlace } from './batch-place.ts'
import { DamagedBatch } from './damaged-batch.ts'
import type { Segment } from './segment.ts'

export interface TimestampedOffset {
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** The first record at or after `timestamp` whose offset is at least `from`; null when the segment has none. */
export function firstRecordSince(
  segment: Segment,
  timestamp: number,
  from: number,
): TimestampedOffset | null {
  const start = segment.indexes.findTimestamp(timestamp)
  return findRecord(
    segment,
    start,
    (buffer, at) =>
      batch.maxTimestamp(buffer, at) >= timestamp && batch.nextOffset(buffer, at) > from,
    record => record.offset >= from && record.timestamp >= timestamp,
  )
}

/** The first record with the largest timestamp of the segment; null when no record has one. */
export function latestRecord(segment: Segment): TimestampedOffset | null {
  const timestamp = segment.indexes.maxTimestamp
  if (timestamp < 0) return null
  const start = segment.locate(segment.indexes.offsetOfMaxTimestamp)
  return findRecord(
    segment,
    start,
    () => true,
    record => record.timestamp === timestamp,
  )
}

function findRecord(
  segment: Segment,
  start: BatchPlace,
  isCandidate: (buffer: Buffer, at: number) => boolean,
  isMeant: (record: RecordReader) => boolean,
): TimestampedOffset | null {
  const records = new RecordReader({ checkCrc: false })
  let found: TimestampedOffset | null = null
  const range = { from: start.position, to: segment.sizeBytes, offset: start.base }
  const end = scanBatches(segment.file, range, (buffer, at) => {
    if (!isCandidate(buffer, at)) return true
    records.reset(buffer.subarray(at, at + batch.sizeInBytes(buffer, at)))
    while (records.next()) {
      if (!isMeant(records)) continue
      found = { offset: records.offset, timestamp: records.timestamp }
      return false
    }
    return true
  })
  if (end.problem !== null) {
    throw new DamagedBatch(segment.path, end.position, end.nextOffset, end.problem)
  }
  return found
}
