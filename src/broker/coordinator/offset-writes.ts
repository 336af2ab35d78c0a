/** Committed offsets change in the log first and then in memory; a write that is refused changes nothing. */
import { errorCode } from '../../protocol/error-codes.ts'
import type { Shard } from './group-shard.ts'
import type { Group } from './group-state.ts'
import { type CoordinatorRecord, offsetRecord } from './offset-records.ts'
import { type GroupOffset, setOffset } from './offsets.ts'

export interface OffsetPlace {
  readonly topic: string
  readonly partition: number
}

export type NewOffset = OffsetPlace & Omit<GroupOffset, 'commitTimestamp'>

/** Writes and keeps offsets, all or none. The error code; `nowMs` is wall-clock time. */
export function storeOffsets(
  shard: Shard,
  group: Group,
  offsets: readonly NewOffset[],
  nowMs: number,
): number {
  const { groupId } = group
  const records: CoordinatorRecord[] = []
  for (const { topic, partition, offset, leaderEpoch, metadata } of offsets) {
    const value = { offset, leaderEpoch, metadata, commitTimestamp: nowMs }
    records.push(offsetRecord({ group: groupId, topic, partition }, value))
  }
  const code = shard.partition.write(records, nowMs)
  if (code !== errorCode.NONE) return code
  for (const { topic, partition, offset, leaderEpoch, metadata } of offsets) {
    const committed = { offset, leaderEpoch, metadata, commitTimestamp: nowMs }
    setOffset(group.offsets, topic, partition, committed)
  }
  return code
}

/** Writes tombstones for offsets, with `more` records in the same batch, and takes them out of the group. */
export function dropOffsets(
  shard: Shard,
  group: Group,
  places: readonly OffsetPlace[],
  nowMs: number,
  more: readonly CoordinatorRecord[] = [],
): number {
  const { groupId } = group
  const tombstones = places.map(({ topic, partition }) =>
    offsetRecord({ group: groupId, topic, partition }, null),
  )
  const code = shard.partition.write([...tombstones, ...more], nowMs)
  if (code !== errorCode.NONE) return code
  for (const { topic, partition } of places) {
    setOffset(group.offsets, topic, partition, undefined)
  }
  return code
}
