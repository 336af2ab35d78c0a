import * as batch from '../../protocol/record-batch.ts'
import { DamagedBatch } from './damaged-batch.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { Segment } from './segment.ts'

/**
 * Whether the first and the last batch of each epoch are of that epoch. Between the two, the log being in order, there is
 * no other.
 */
export function agreeWithLog(
  epochs: LeaderEpochs,
  segments: readonly Segment[],
  recoveryPoint: number,
): boolean {
  const first = segments[0]?.baseOffset ?? 0
  return epochs.starts.every(({ epoch, startOffset }, n) => {
    const last = (epochs.starts[n + 1]?.startOffset ?? recoveryPoint) - 1
    if (last < first) return true
    return [Math.max(startOffset, first), last].every(offset => {
      const found = epochInLog(segments, offset)
      return found === undefined || found === epoch
    })
  })
}

/** Undefined where the log does not hold the offset or is damaged. */
function epochInLog(segments: readonly Segment[], offset: number): number | undefined {
  const segment = segments.findLast(({ baseOffset }) => baseOffset <= offset)
  if (segment === undefined || offset >= segment.endOffset) return undefined
  try {
    const header = Buffer.alloc(batch.headerBytes)
    segment.file.read(header, 0, header.length, segment.locate(offset).position)
    return batch.partitionLeaderEpoch(header)
  } catch (error) {
    if (error instanceof DamagedBatch) return undefined
    throw error
  }
}
