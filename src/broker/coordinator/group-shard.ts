import type { Logger } from '../../logger.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { type CoordinatorPartition, coordinatorPartition } from './coordinator-partition.ts'
import { prepareRebalance } from './group-rebalance.ts'
import { restoreGroup } from './group-snapshot.ts'
import { type Group, type GroupSettings, isForgettable, newGroup } from './group-state.ts'
import { readRecord, type ReadRecord } from './offset-records.ts'
import { setOffset } from './offsets.ts'
import { addPending, dropPending, endPending } from './pending-offsets.ts'

/** One partition of `__consumer_offsets` and the groups that are kept in it. */
export interface Shard {
  readonly partition: CoordinatorPartition
  readonly groups: Map<string, Group>
  /** Producer id to the groups that its open transaction has committed offsets of. */
  readonly transactions: Map<bigint, Set<string>>
}

export interface ShardOptions {
  readonly leaderEpoch: number
  readonly logger: Logger
  readonly config: GroupSettings
  /** The monotonic clock in milliseconds, from which the sessions of members start anew. */
  readonly nowMs: number
}

/** Replays the partition: the last record of a key is what holds. Throws CORRUPT_DATA when it cannot be read. */
export function openShard(log: PartitionLog, options: ShardOptions): Shard {
  const { leaderEpoch, logger } = options
  const partition = coordinatorPartition(log, leaderEpoch, logger)
  const shard: Shard = { partition, groups: new Map(), transactions: new Map() }
  partition.replay({
    record: (key, value, offset, producerId) =>
      replayRecord(shard, readRecord(key, value), { offset, producerId, options }),
    marker: (producerId, type) => void endTransaction(shard, producerId, type),
  })
  for (const group of shard.groups.values()) {
    if (isForgettable(group)) shard.groups.delete(group.groupId)
    // It was larger when the broker ran with other settings: those who join last find no place.
    if (group.members.size > options.config.groupMaxSize) {
      prepareRebalance({ group, nowMs: options.nowMs, replies: [], write: false })
    }
  }
  return shard
}

function replayRecord(
  shard: Shard,
  record: ReadRecord,
  at: { readonly offset: number; readonly producerId: bigint; readonly options: ShardOptions },
): void {
  if (record.kind === 'other') return
  const { config, nowMs } = at.options
  const groupId = record.kind === 'group' ? record.groupId : record.key.group
  const known = shard.groups.get(groupId)
  if (record.kind === 'group') {
    if (record.value === null) {
      shard.groups.delete(groupId)
      return
    }
    const { offsets, pending } = known ?? newGroup(groupId, config)
    const restored = restoreGroup(groupId, record.value, config, nowMs)
    shard.groups.set(groupId, { ...restored, offsets, pending })
    return
  }
  const group = known ?? newGroup(groupId, config)
  const { topic, partition } = record.key
  if (record.value === null) {
    setOffset(group.offsets, topic, partition, undefined)
    dropPending(group, topic, partition)
    return
  }
  shard.groups.set(groupId, group)
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = record.value
  const committed = {
    offset,
    leaderEpoch,
    metadata,
    commitTimestamp,
    expireTimestamp,
    recordOffset: at.offset,
  }
  if (at.producerId === -1n) {
    setOffset(group.offsets, topic, partition, committed)
  } else {
    noteTransaction(shard, at.producerId, groupId)
    addPending(group, at.producerId, { topic, partition }, committed)
  }
}

/** The producer's open transaction has committed offsets of the group. */
export function noteTransaction(shard: Shard, producerId: bigint, groupId: string): void {
  const groups = shard.transactions.get(producerId)
  if (groups === undefined) shard.transactions.set(producerId, new Set([groupId]))
  else groups.add(groupId)
}

/** Ends the transaction of a producer whose marker is in the partition, and returns the groups it had a part in. */
export function endTransaction(
  shard: Shard,
  producerId: bigint,
  type: 'abort' | 'commit',
): Group[] {
  const ended: Group[] = []
  for (const groupId of shard.transactions.get(producerId) ?? []) {
    const group = shard.groups.get(groupId)
    if (group === undefined) continue
    endPending(group, producerId, type)
    ended.push(group)
  }
  shard.transactions.delete(producerId)
  return ended
}
