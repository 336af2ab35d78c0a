/** Committed offsets change in the log first and then in memory; a write that is refused changes nothing. */
import { errorCode } from '../../protocol/error-codes.ts'
import type { CoordinatorRecord, TransactionalProducer } from './coordinator-partition.ts'
import { noteTransaction, type Shard } from './group-shard.ts'
import type { Group } from './group-state.ts'
import { offsetRecord } from './offset-records.ts'
import { type OffsetPlace, placesIn, setOffset } from './offsets.ts'
import { addPending, dropPending } from './pending-offsets.ts'

export interface NewOffset extends OffsetPlace {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface StoreOptions {
  /** Wall-clock milliseconds. */
  readonly nowMs: number
  /** When the offsets expire, in wall-clock milliseconds; -1 for the broker's rule. */
  readonly expireTimestamp: number
  /** In whose transaction the offsets are committed, if in one: they count when it does. */
  readonly producer?: TransactionalProducer
}

/** Writes and keeps offsets, all or none. The error code. */
export function storeOffsets(
  shard: Shard,
  group: Group,
  offsets: readonly NewOffset[],
  options: StoreOptions,
): number {
  const { groupId } = group
  const { nowMs, expireTimestamp, producer } = options
  const firstOffset = shard.partition.endOffset
  const commits = offsets.map(({ topic, partition, offset, leaderEpoch, metadata }, index) => {
    const recordOffset = firstOffset + index
    const value = { offset, leaderEpoch, metadata, commitTimestamp: nowMs, expireTimestamp }
    return { topic, partition, value: { ...value, recordOffset } }
  })
  const records = commits.map(({ topic, partition, value }) =>
    offsetRecord({ group: groupId, topic, partition }, value),
  )
  const code = shard.partition.write(records, nowMs, producer)
  if (code !== errorCode.NONE) return code
  for (const { topic, partition, value } of commits) {
    if (producer === undefined) setOffset(group.offsets, topic, partition, value)
    else addPending(group, producer.producerId, { topic, partition }, value)
  }
  if (producer !== undefined && offsets.length > 0) {
    noteTransaction(shard, producer.producerId, groupId)
  }
  return code
}

/**
 * Writes tombstones for offsets, pending ones too, with `more` records in the same batch, and takes them out of the
 * group. The error code; `nowMs` is wall-clock time.
 */
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
    dropPending(group, topic, partition)
  }
  return code
}

/** Every partition that the group has committed for, pending commits included; only those of `topic` if one is given. */
export function offsetPlaces(group: Group, topic?: string): OffsetPlace[] {
  const places = new Map<string, OffsetPlace>()
  for (const table of [group.offsets, ...group.pending.values()]) {
    for (const place of placesIn(table)) {
      if (topic === undefined || place.topic === topic) {
        places.set(`${place.topic} ${place.partition}`, place)
      }
    }
  }
  return [...places.values()]
}
