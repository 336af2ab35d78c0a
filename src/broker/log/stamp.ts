import * as batch from '../../protocol/record-batch.ts'

/** Numbers the batches from `offset` on and signs them with the epoch; returns the offset after them. */
export function stampBatches(
  batches: Buffer,
  offset: number,
  leaderEpoch: number,
  logAppendTime: number,
): number {
  let next = offset
  for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
    batch.setBaseOffset(batches, next, at)
    batch.setPartitionLeaderEpoch(batches, leaderEpoch, at)
    if (logAppendTime >= 0) batch.stampLogAppendTime(batches, logAppendTime, at)
    next += batch.lastOffsetDelta(batches, at) + 1
  }
  return next
}

/** -1 when no batch has one. */
export function largestTimestamp(batches: Buffer): number {
  let largest = -1
  for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
    largest = Math.max(largest, batch.maxTimestamp(batches, at))
  }
  return largest
}
