import type { LogConfig } from './log-config.ts'
import type { Segment } from './segment.ts'

/** How many of the oldest segments may go: too old as a whole, or in excess of the size. */
export function countExpired(segments: readonly Segment[], config: LogConfig, now: number): number {
  const { retentionMs, retentionBytes } = config
  let excess =
    retentionBytes < 0
      ? 0
      : segments.reduce((sum, segment) => sum + segment.sizeBytes, -retentionBytes)
  let count = 0
  for (const segment of segments) {
    const isOld =
      retentionMs >= 0 &&
      segment.indexes.maxTimestamp >= 0 &&
      segment.indexes.maxTimestamp < now - retentionMs
    const isExcess = retentionBytes >= 0 && excess >= segment.sizeBytes && excess > 0
    if (!isOld && !isExcess) break
    excess -= segment.sizeBytes
    count++
  }
  return count
}
