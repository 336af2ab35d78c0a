import assert from 'node:assert/strict'
import { errorCode } from '../../protocol/error-codes.ts'
import type { Topic } from '../topics.ts'
import type { Shard } from './group-shard.ts'
import { type Group, isForgettable } from './group-state.ts'
import { partitionOfKey } from './key-partition.ts'

/** All groups, each in the partition of `__consumer_offsets` that its id belongs to. */
export interface GroupShards {
  /** Makes the topic that groups are kept in, if it is not there yet. */
  ready(): Promise<void>
  /** Where a group is kept; the error code instead when the coordinator does not serve any more. */
  of(groupId: string): Promise<Shard | number>
  at(partition: number): Shard
  /** Of `__consumer_offsets`, once that is there. */
  partitionOf(groupId: string): number
  /** The group as it is in memory. */
  find(groupId: string): Group | undefined
  all(): Iterable<[Shard, Group]>
  /** One more group would be more than the broker remembers. */
  isFull(): boolean
  forget(shard: Shard, group: Group): void
  forgetIfNothing(shard: Shard, group: Group): void
  stop(): void
}

export interface GroupShardsOptions {
  readonly maxGroups: number
  readonly stored: Topic | undefined
  ensureTopic(): Promise<Topic>
  /** Replays the partitions of the topic. */
  open(topic: Topic): Shard[]
  /** Called for a group that is not there any more. */
  forgotten(group: Group): void
}

export function groupShards(options: GroupShardsOptions): GroupShards {
  let shards: readonly Shard[] = options.stored === undefined ? [] : options.open(options.stored)
  let stopped = false

  async function ready(): Promise<void> {
    if (shards.length > 0) return
    const topic = await options.ensureTopic()
    // Whoever asked at the same time may have come first.
    if (shards.length === 0) shards = options.open(topic)
  }

  function at(partition: number): Shard {
    const shard = shards[partition]
    assert(shard !== undefined, 'the coordinator is ready and has this partition')
    return shard
  }

  function forget(shard: Shard, group: Group): void {
    if (shard.groups.get(group.groupId) === group) shard.groups.delete(group.groupId)
    options.forgotten(group)
  }

  const partitionOf = (groupId: string): number => partitionOfKey(groupId, shards.length)
  const shardOf = (groupId: string): Shard => at(partitionOf(groupId))

  return {
    ready,
    async of(groupId) {
      await ready()
      return stopped ? errorCode.COORDINATOR_NOT_AVAILABLE : shardOf(groupId)
    },
    at,
    partitionOf,
    find: groupId => (shards.length === 0 ? undefined : shardOf(groupId).groups.get(groupId)),
    *all() {
      for (const shard of shards) for (const group of shard.groups.values()) yield [shard, group]
    },
    isFull: () => shards.reduce((sum, shard) => sum + shard.groups.size, 0) >= options.maxGroups,
    forget,
    forgetIfNothing(shard, group) {
      if (isForgettable(group)) forget(shard, group)
    },
    stop() {
      stopped = true
    },
  }
}
