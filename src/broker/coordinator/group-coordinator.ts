/**
 * The coordinator of all groups: the shell around `step` (group.ts). It finds the group in its shard (group-shard.ts), lets
 * the step decide, writes what the step wants written, answers when that is durable, and wakes the group when the step
 * said so (group-timers.ts).
 */
import assert from 'node:assert/strict'
import type { Logger } from '../../logger.ts'
import type { Platform } from '../../platform/platform.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import type { BrokerConfig } from '../config.ts'
import type { Topic, Topics } from '../topics.ts'
import { consumerOffsetsTopic } from '../../protocol/internal-topics.ts'
import { step } from './group.ts'
import { refusedJoin, refusedSync } from './group-rebalance.ts'
import { openShard, type Shard } from './group-shard.ts'
import { snapshotOf } from './group-snapshot.ts'
import { type Group, isForgettable, newGroup, nextDeadline } from './group-state.ts'
import type {
  GroupInput,
  GroupReply,
  HeartbeatInput,
  JoinInput,
  JoinResult,
  LeaveInput,
  SyncInput,
  SyncResult,
} from './group-step.ts'
import { groupTimers } from './group-timers.ts'
import { partitionOfKey } from './key-partition.ts'
import { groupRecord } from './offset-records.ts'
import { dropOffsets, type NewOffset, type OffsetPlace, storeOffsets } from './offset-writes.ts'
import { commitProblem, type Committer } from './offsets.ts'

export interface GroupCoordinator {
  /** Makes the topic that groups are kept in, if it is not there yet. */
  ready(): Promise<void>
  join(groupId: string, request: Asked<Omit<JoinInput, 'freshMemberId'>>): Promise<JoinResult>
  sync(groupId: string, request: Asked<SyncInput>): Promise<SyncResult>
  /** The error code of the answer. */
  heartbeat(groupId: string, request: Asked<HeartbeatInput>): Promise<number>
  /** One error code for each member named. */
  leave(groupId: string, request: Asked<LeaveInput>): Promise<readonly number[]>
  /** Commits offsets, all or none. The error code of the answer; `unknownGroup` is that for a group nobody knows. */
  commit(groupId: string, commit: OffsetCommit, unknownGroup: number): Promise<number>
  /**
   * What `look` makes of the group as it is now, told once everything it saw is durable: the group itself may have changed
   * by then, and such a change could still be lost. Rejects never; a code means: not now.
   */
  read<Answer extends object>(
    groupId: string,
    look: (group: Group | undefined) => Answer,
  ): Promise<Answer | number>
  /** Every group as it is in memory. */
  groups(): Group[]
  /** Takes away an empty group with its offsets. The error code of the answer. */
  deleteGroup(groupId: string): Promise<number>
  /** Takes away offsets of a group. The error code of the answer. */
  deleteOffsets(groupId: string, partitions: readonly OffsetPlace[]): Promise<number>
  /** Takes away the offsets of a topic that was deleted, in all groups. */
  topicDeleted(topic: string): void
  /** Answers everybody who waits and starts no more timers. */
  stop(): void
}

/** A request as the coordinator is given it: where the answer goes is the coordinator's business. */
type Asked<Input> = Omit<Input, 'kind' | 'replyTo'>

export interface OffsetCommit extends Committer {
  readonly offsets: readonly NewOffset[]
}

export interface GroupCoordinatorOptions {
  readonly platform: Platform
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly topics: Topics
  readonly leaderEpoch: number
  ensureTopic(): Promise<Topic>
}

/** Replays what is stored. Throws CORRUPT_DATA when it cannot be read. */
export function openGroupCoordinator(options: GroupCoordinatorOptions): GroupCoordinator {
  const { platform, config, logger, topics, leaderEpoch } = options
  const { clock, timers } = platform
  const shards: Shard[] = []
  const wakeUps = groupTimers({ clock, timers })
  /** Open requests by the number that `step` knows them by. */
  const open = new Map<number, (answer: GroupReply | number) => void>()
  /** Groups that have gone on although the write was refused: nobody is told before it is made up for. */
  const unwritten = new WeakSet<Group>()
  let lastRequest = 0
  let stopped = false

  const stored = topics.get(consumerOffsetsTopic)
  if (stored !== undefined) openShards(stored)

  function openShards(topic: Topic): void {
    if (shards.length > 0) return
    for (const log of topic.partitions) {
      const shard = openShard(log, { leaderEpoch, logger, config, nowMs: clock.monotonic() })
      shards.push(shard)
      for (const group of shard.groups.values()) wakeUpAt(shard, group, nextDeadline(group))
    }
    const count = shards.reduce((sum, shard) => sum + shard.groups.size, 0)
    if (count > 0) logger.info({ groups: count }, 'The group coordinator has its groups again.')
  }

  async function ready(): Promise<void> {
    if (shards.length === 0) openShards(await options.ensureTopic())
  }

  function shardOf(groupId: string): Shard {
    const shard = shards[partitionOfKey(groupId, shards.length)]
    assert(shard !== undefined, 'the coordinator is ready')
    return shard
  }

  /** Puts a question to the group's step function. A number is the code for a question that never got there. */
  async function ask(
    groupId: string,
    input: (replyTo: number) => GroupInput,
    unknownGroup: 'make' | number,
  ): Promise<GroupReply | number> {
    await ready()
    if (stopped) return errorCode.COORDINATOR_NOT_AVAILABLE
    const shard = shardOf(groupId)
    let group = shard.groups.get(groupId)
    if (group === undefined) {
      if (unknownGroup !== 'make') return unknownGroup
      if (groupCount() >= config.maxGroups) return errorCode.GROUP_MAX_SIZE_REACHED
      group = newGroup(groupId, config)
      shard.groups.set(groupId, group)
    }
    const asked = group
    return new Promise(resolve => {
      const replyTo = ++lastRequest
      open.set(replyTo, resolve)
      apply(shard, asked, input(replyTo))
    })
  }

  function apply(shard: Shard, group: Group, input: GroupInput): void {
    const phase = group.phase
    const { replies, write, nextDeadlineMs } = step(group, input, clock.monotonic())
    if (group.phase !== phase) {
      const { groupId, generation, members } = group
      logger.debug(
        { groupId, generation, members: members.size, cause: input.kind },
        `The group is now ${group.phase}.`,
      )
    }
    let refusal: number = errorCode.NONE
    if (write || unwritten.has(group)) {
      const nowMs = clock.now()
      const record = groupRecord(group.groupId, snapshotOf(group, nowMs))
      refusal = shard.partition.write([record], nowMs)
      if (refusal === errorCode.NONE) unwritten.delete(group)
      else unwritten.add(group)
    }
    wakeUpAt(shard, group, nextDeadlineMs)
    if (isForgettable(group)) forget(shard, group)
    if (replies.length === 0) return
    const deliver = (lost: number): void => {
      const code = refusal === errorCode.NONE ? lost : refusal
      for (const reply of replies) {
        open.get(reply.to)?.(code === errorCode.NONE ? reply : code)
        open.delete(reply.to)
      }
    }
    const durable = shard.partition.durable()
    if (typeof durable === 'number') deliver(durable)
    else void durable.then(deliver)
  }

  function forget(shard: Shard, group: Group): void {
    wakeUps.cancel(group)
    shard.groups.delete(group.groupId)
  }

  function wakeUpAt(shard: Shard, group: Group, atMs: number): void {
    wakeUps.wakeAt(group, atMs, () => apply(shard, group, { kind: 'tick' }))
  }

  function groupCount(): number {
    return shards.reduce((sum, shard) => sum + shard.groups.size, 0)
  }

  function freshMemberId(clientId: string, instanceId: string | null): string {
    const hex = platform.random.bytes(16).toString('hex')
    return `${instanceId ?? clientId}-${hex}`
  }

  return {
    ready,
    async join(groupId, request) {
      const fresh = freshMemberId(request.clientId, request.instanceId)
      const answer = await ask(
        groupId,
        replyTo => ({ kind: 'join', replyTo, freshMemberId: fresh, ...request }),
        request.memberId === '' ? 'make' : errorCode.UNKNOWN_MEMBER_ID,
      )
      if (typeof answer === 'number') return refusedJoin(answer, request.memberId)
      assert(answer.kind === 'join')
      return answer
    },
    async sync(groupId, request) {
      const answer = await ask(
        groupId,
        replyTo => ({ kind: 'sync', replyTo, ...request }),
        errorCode.UNKNOWN_MEMBER_ID,
      )
      if (typeof answer === 'number') return refusedSync(answer)
      assert(answer.kind === 'sync')
      return answer
    },
    async heartbeat(groupId, request) {
      const answer = await ask(
        groupId,
        replyTo => ({ kind: 'heartbeat', replyTo, ...request }),
        errorCode.UNKNOWN_MEMBER_ID,
      )
      if (typeof answer === 'number') return answer
      assert(answer.kind === 'heartbeat')
      return answer.errorCode
    },
    async leave(groupId, request) {
      const answer = await ask(
        groupId,
        replyTo => ({ kind: 'leave', replyTo, ...request }),
        errorCode.UNKNOWN_MEMBER_ID,
      )
      if (typeof answer === 'number') return request.members.map(() => answer)
      assert(answer.kind === 'leave')
      return answer.errorCodes
    },
    async commit(groupId, commit, unknownGroup) {
      await ready()
      if (stopped) return errorCode.COORDINATOR_NOT_AVAILABLE
      const shard = shardOf(groupId)
      let group = shard.groups.get(groupId)
      if (group === undefined && commit.generation >= 0) return unknownGroup
      if (group === undefined && groupCount() >= config.maxGroups) {
        return errorCode.GROUP_MAX_SIZE_REACHED
      }
      group ??= newGroup(groupId, config)
      const problem = commitProblem(group, commit, clock.monotonic())
      if (problem !== errorCode.NONE) return problem
      const refusal = storeOffsets(shard, group, commit.offsets, clock.now())
      if (refusal !== errorCode.NONE) return refusal
      if (group.offsets.size > 0) shard.groups.set(groupId, group)
      return shard.partition.durable()
    },
    async read(groupId, look) {
      await ready()
      const shard = shardOf(groupId)
      const answer = look(shard.groups.get(groupId))
      const code = await shard.partition.durable()
      return code === errorCode.NONE ? answer : code
    },
    groups: () => shards.flatMap(shard => [...shard.groups.values()]),
    async deleteGroup(groupId) {
      await ready()
      const shard = shardOf(groupId)
      const group = shard.groups.get(groupId)
      if (group === undefined) return errorCode.GROUP_ID_NOT_FOUND
      if (group.phase !== 'Empty') return errorCode.NON_EMPTY_GROUP
      const places = [...group.offsets].flatMap(([topic, partitions]) =>
        [...partitions.keys()].map(partition => ({ topic, partition })),
      )
      const code = dropOffsets(shard, group, places, clock.now(), [groupRecord(groupId, null)])
      if (code !== errorCode.NONE) return code
      group.phase = 'Dead'
      forget(shard, group)
      return shard.partition.durable()
    },
    async deleteOffsets(groupId, partitions) {
      await ready()
      const shard = shardOf(groupId)
      const group = shard.groups.get(groupId)
      if (group === undefined) return errorCode.GROUP_ID_NOT_FOUND
      const code = dropOffsets(shard, group, partitions, clock.now())
      if (isForgettable(group)) forget(shard, group)
      return code === errorCode.NONE ? shard.partition.durable() : code
    },
    topicDeleted(topic) {
      for (const shard of shards) {
        for (const group of shard.groups.values()) {
          const partitions = group.offsets.get(topic)
          if (partitions === undefined) continue
          const places = [...partitions.keys()].map(partition => ({ topic, partition }))
          const code = dropOffsets(shard, group, places, clock.now())
          if (code !== errorCode.NONE) {
            logger.warn(
              { groupId: group.groupId, topic, code },
              'The offsets of a deleted topic stay, because they could not be taken away.',
            )
          }
          if (isForgettable(group)) forget(shard, group)
        }
      }
    },
    stop() {
      stopped = true
      wakeUps.stop()
      for (const answer of open.values()) answer(errorCode.COORDINATOR_NOT_AVAILABLE)
      open.clear()
    },
  }
}
