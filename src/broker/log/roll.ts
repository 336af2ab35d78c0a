import { crc32c } from '../../protocol/crc32c.ts'
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
  { segmentBytes, segmentMs, segmentJitterMs }: LogConfig,
  batches: Buffer,
  end: number,
  now: number,
): boolean {
  if (active.sizeBytes === 0) return false
  if (active.sizeBytes + batches.length > segmentBytes) return true
  if (end - 1 - active.baseOffset > MAX_OFFSET_DELTA) return true
  const first = active.firstTimestamp
  const newest = largestTimestamp(batches)
  const waitedMs = first >= 0 && newest >= 0 ? newest - first : now - active.createdMs
  const jitterMs = Math.min(segmentJitterMs, segmentMs)
  if (waitedMs <= segmentMs - jitterMs) return false
  return jitterMs === 0 || waitedMs > segmentMs - shareOf(active) * jitterMs
}

/** From 0 to below 1, another for each segment, and for the same one always the same. */
function shareOf({ path }: Segment): number {
  return crc32c(Buffer.from(path)) / 2 ** 32
}
