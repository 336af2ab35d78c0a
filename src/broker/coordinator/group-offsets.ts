/**
 * The offsets side of the group coordinator: commits, in transactions and outside of them, and their end by deletion. What is
 * decided here is written and in memory before anything else happens; the answer waits until it is durable.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import type { BrokerConfig } from '../config.ts'
import type { Topics } from '../topics.ts'
import type { Clock, Timers } from '../../platform/platform.ts'
import type { Logger } from '../../logger.ts'
import type { TransactionalProducer } from './coordinator-partition.ts'
import { endTransaction, type Shard } from './group-shard.ts'
import { type Group, newGroup } from './group-state.ts'
import type { GroupShards } from './group-shards.ts'
import { expired } from './group-expiry.ts'
import { groupRecord } from './offset-records.ts'
import { dropOffsets, type NewOffset, offsetPlaces, storeOffsets } from './offset-writes.ts'
import { commitProblem, type Committer, type OffsetPlace, transactionalProblem } from './offsets.ts'
import { isPending } from './pending-offsets.ts'
import { type StableWait, stableWaits } from './stable-waits.ts'

export interface OffsetCommit extends Committer {
  readonly offsets: readonly NewOffset[]
}

/** TxnOffsetCommit: the offsets count when the transaction of the producer does. */
export interface TransactionalCommit extends OffsetCommit, TransactionalProducer {
  /**
   * NONE while the transaction is open in this partition of `__consumer_offsets`. Asked right before the write, so that
   * nothing can end it in between.
   */
  verify(offsetsPartition: number): number
}

export interface GroupOffsets {
  /**
   * Commits offsets, all or none. The error code of the answer; `unknownGroup` is that for a group nobody knows.
   * `retentionMs` is how long they are kept at least, -1 for the broker's rule.
   */
  commit(
    groupId: string,
    commit: OffsetCommit,
    options: { readonly unknownGroup: number; readonly retentionMs: number },
  ): Promise<number>
  /** Commits offsets in a transaction, all or none: they are pending until `completeTransaction`. The error code. */
  commitTransactional(groupId: string, commit: TransactionalCommit): Promise<number>
  /**
   * To be called once the marker of the transaction is in this partition of `__consumer_offsets`: pending offsets of the
   * producer count from now on, or are gone. (Kafka: OffsetMetadataManager.replayEndTransactionMarker.)
   */
  completeTransaction(offsetsPartition: number, producerId: bigint, type: 'abort' | 'commit'): void
  /** Whether a transaction that has not ended has committed for the partition. */
  hasPendingOffsets(groupId: string, topic: string, partition: number): boolean
  /** Resolves when `wait` says that the group's offsets are stable, or when it gives up. */
  untilStable(groupId: string, wait: StableWait): Promise<void>
  /** Takes away an empty group with its offsets. The error code of the answer. */
  deleteGroup(groupId: string): Promise<number>
  /** Takes away offsets of a group. The error code of the answer. */
  deleteOffsets(groupId: string, partitions: readonly OffsetPlace[]): Promise<number>
  /** Takes away the offsets of a topic that was deleted, in all groups. */
  topicDeleted(topic: string): void
}

export interface GroupOffsetsOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly topics: Topics
  readonly shards: GroupShards
}

/** How many groups are looked at for old offsets before others get their turn. */
const GROUPS_PER_TURN = 200

export function groupOffsets(options: GroupOffsetsOptions): GroupOffsets & { stop(): void } {
  const { clock, timers, logger, config, topics, shards } = options
  const waits = stableWaits(timers)
  let nextRound = timers.schedule(config.offsetsRetentionCheckIntervalMs, () => void expire())
  let stopped = false
  const hasTopic = (topic: string): boolean => topics.get(topic) !== undefined

  /** Stores for a group that `problem` lets commit, and makes the group if it is not there yet. */
  async function store(
    groupId: string,
    offsets: readonly NewOffset[],
    how: {
      readonly problem: (group: Group | undefined) => number
      readonly retentionMs: number
      readonly producer?: TransactionalProducer
    },
  ): Promise<number> {
    const shard = await shards.of(groupId)
    if (typeof shard === 'number') return shard
    const known = shard.groups.get(groupId)
    const problem = how.problem(known)
    if (problem !== errorCode.NONE) return problem
    if (known === undefined && shards.isFull()) return errorCode.GROUP_MAX_SIZE_REACHED
    const group = known ?? newGroup(groupId, config)
    const nowMs = clock.now()
    const code = storeOffsets(shard, group, offsets, {
      nowMs,
      expireTimestamp: how.retentionMs < 0 ? -1 : nowMs + how.retentionMs,
      ...(how.producer === undefined ? {} : { producer: how.producer }),
    })
    if (code !== errorCode.NONE) return code
    if (offsets.length > 0) shard.groups.set(groupId, group)
    return shard.partition.durable()
  }

  function drop(shard: Shard, group: Group, places: readonly OffsetPlace[]): number {
    const code = dropOffsets(shard, group, places, clock.now())
    changed(shard, group)
    return code
  }

  function remove(shard: Shard, group: Group): number {
    const stored = group.generation > 0 ? [groupRecord(group.groupId, null)] : []
    const code = dropOffsets(shard, group, offsetPlaces(group), clock.now(), stored)
    if (code !== errorCode.NONE) return code
    group.phase = 'Dead'
    shards.forget(shard, group)
    waits.changed(group)
    return code
  }

  /** Takes away what has outlived its time. A write that is refused ends the round: the next one tries again. */
  async function expire(): Promise<void> {
    const retentionMs = config.offsetsRetentionMinutes * 60_000
    let looked = 0
    for (const [shard, group] of shards.all()) {
      const gone = expired(group, { nowMs: clock.now(), retentionMs, hasTopic })
      const code = gone.group ? remove(shard, group) : drop(shard, group, gone.offsets)
      if (code !== errorCode.NONE) {
        logger.warn({ groupId: group.groupId, code }, 'Old offsets could not be taken away.')
        break
      }
      if (++looked % GROUPS_PER_TURN === 0) await timers.yield()
      if (stopped) return
    }
    nextRound = timers.schedule(config.offsetsRetentionCheckIntervalMs, () => void expire())
  }

  function topicDeleted(topic: string): void {
    for (const [shard, group] of shards.all()) {
      const places = offsetPlaces(group, topic)
      if (places.length === 0) continue
      const code = drop(shard, group, places)
      if (code !== errorCode.NONE) {
        logger.warn(
          { groupId: group.groupId, topic, code },
          'The offsets of a deleted topic stay, because they could not be taken away.',
        )
      }
    }
  }

  function changed(shard: Shard, group: Group): void {
    shards.forgetIfNothing(shard, group)
    waits.changed(group)
  }

  // Of topics that were deleted right before the broker ended: made again, they must not have old offsets.
  const deleted = new Set<string>()
  for (const [, group] of shards.all()) {
    for (const { topic } of offsetPlaces(group)) if (!hasTopic(topic)) deleted.add(topic)
  }
  for (const topic of deleted) topicDeleted(topic)

  return {
    commit: (groupId, commit, { unknownGroup, retentionMs }) =>
      store(groupId, commit.offsets, {
        retentionMs,
        problem: group => {
          if (group !== undefined) return commitProblem(group, commit, clock.monotonic())
          return commit.generation < 0 ? errorCode.NONE : unknownGroup
        },
      }),
    commitTransactional: (groupId, commit) =>
      store(groupId, commit.offsets, {
        retentionMs: -1,
        producer: { producerId: commit.producerId, producerEpoch: commit.producerEpoch },
        problem: group => {
          const problem = transactionalProblem(group, commit)
          return problem === errorCode.NONE ? commit.verify(shards.partitionOf(groupId)) : problem
        },
      }),
    completeTransaction(offsetsPartition, producerId, type) {
      const shard = shards.at(offsetsPartition)
      for (const group of endTransaction(shard, producerId, type)) changed(shard, group)
    },
    hasPendingOffsets(groupId, topic, partition) {
      const group = shards.find(groupId)
      return group !== undefined && isPending(group, topic, partition)
    },
    async untilStable(groupId, wait) {
      const shard = await shards.of(groupId)
      const group = typeof shard === 'number' ? undefined : shard.groups.get(groupId)
      if (group !== undefined) await waits.wait(group, wait)
    },
    async deleteGroup(groupId) {
      const shard = await shards.of(groupId)
      if (typeof shard === 'number') return shard
      const group = shard.groups.get(groupId)
      if (group === undefined) return errorCode.GROUP_ID_NOT_FOUND
      if (group.phase !== 'Empty') return errorCode.NON_EMPTY_GROUP
      const code = remove(shard, group)
      return code === errorCode.NONE ? shard.partition.durable() : code
    },
    async deleteOffsets(groupId, partitions) {
      const shard = await shards.of(groupId)
      if (typeof shard === 'number') return shard
      const group = shard.groups.get(groupId)
      if (group === undefined) return errorCode.GROUP_ID_NOT_FOUND
      const there = partitions.filter(
        ({ topic, partition }) =>
          group.offsets.get(topic)?.has(partition) === true || isPending(group, topic, partition),
      )
      const code = drop(shard, group, there)
      return code === errorCode.NONE ? shard.partition.durable() : code
    },
    topicDeleted,
    stop() {
      stopped = true
      nextRound.cancel()
      waits.stop()
    },
  }
}
