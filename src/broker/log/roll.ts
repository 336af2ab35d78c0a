import type { LogConfig } from './log-config.ts'
import type { Segment } from './segment.ts'
import { largestTimestamp } from './stamp.ts'

const MAX_OFFSET_DELTA = 0x7fff_ffff

/**
 * Whether a new segment must begin before these batches, which will end at the offset `end`, are appended. Time is that of
 * the records where they have one, otherwise the broker's (`now`, milliseconds). (Kafka: LogSegment.shouldRoll.)
 */
export function isRollDue(
  active: Segment,
  { segmentBytes, segmentMs }: LogConfig,
  batches: Buffer,
  end: number,
  now: number,
): boolean {
  if (active.sizeBytes === 0) return false
  if (active.sizeBytes + batches.length > segmentBytes) return true
  if (end - 1 - active.baseOffset > MAX_OFFSET_DELTA) return true
  const first = active.firstTimestamp
  const newest = largestTimestamp(batches)
  return (first >= 0 && newest >= 0 ? newest - first : now - active.createdMs) > segmentMs
}
