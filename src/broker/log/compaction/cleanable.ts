import type { LogConfig } from '../log-config.ts'
import type { Segment } from '../segment.ts'

/**
 * The segments that may be compacted now, from the oldest on, when it is worth it; otherwise none. The active segment
 * is never among them, nor one with a record younger than `minCompactionLagMs`, nor any behind such a one. It is worth it
 * when more than `minCleanableDirtyRatio` of their bytes are in segments that hold something at or above `firstDirty`, or
 * when a record there is older than `maxCompactionLagMs`. Ages are those of the records by their own timestamps, `now` is
 * the broker's time in milliseconds. Nothing at or above the last stable offset is among them: how its transactions end is
 * not known.
 * (Kafka: LogCleanerManager.grabFilthiestCompactedLog.)
 */
export function cleanableSegments(
  segments: readonly Segment[],
  firstDirty: number,
  config: LogConfig,
  { now, lastStableOffset }: { readonly now: number; readonly lastStableOffset: number },
): readonly Segment[] {
  const youngest = now - config.minCompactionLagMs
  const unstable = segments.findIndex(segment => segment.endOffset > lastStableOffset)
  const closed = segments.slice(0, unstable < 0 ? -1 : Math.min(unstable, segments.length - 1))
  const young = closed.findIndex(
    segment => config.minCompactionLagMs > 0 && segment.indexes.maxTimestamp > youngest,
  )
  const candidates = young < 0 ? closed : closed.slice(0, young)
  const dirty = candidates.filter(segment => segment.endOffset > firstDirty)
  if (dirty.length === 0) return []
  const ratio = sizeOf(dirty) / sizeOf(candidates)
  const isOverdue = dirty.some(segment => isPastMaxLag(segment, config, now))
  return ratio > config.minCleanableDirtyRatio || isOverdue ? candidates : []
}

/** Whether the segment has waited for compaction longer than `maxCompactionLagMs`; one of unknown age has. */
export function isPastMaxLag(segment: Segment, config: LogConfig, now: number): boolean {
  const { firstTimestamp, createdMs } = segment
  const since = firstTimestamp < 0 ? createdMs : firstTimestamp
  return segment.sizeBytes > 0 && now - since > config.maxCompactionLagMs
}

function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
}

const maxOffsetDelta = 0x7fff_ffff

/** Runs of neighbours that make one segment each: as many as fit into `segmentBytes` with what they are now. */
export function groupSegments(segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = []
  let group: Segment[] = []
  let sizeBytes = 0
  for (const segment of segments) {
    const first = group[0]
    const fits =
      first !== undefined &&
      sizeBytes + segment.sizeBytes <= segmentBytes &&
      segment.endOffset - 1 - first.baseOffset <= maxOffsetDelta
    if (!fits) {
      group = []
      groups.push(group)
      sizeBytes = 0
    }
    group.push(segment)
    sizeBytes += segment.sizeBytes
  }
  return groups
}
