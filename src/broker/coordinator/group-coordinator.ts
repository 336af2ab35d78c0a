/**
 * The coordinator of all groups: the shell around `step` (group.ts). It finds the group in its shard (group-shards.ts), lets
 * the step decide, writes what the step wants written, answers when that is durable, and wakes the group when the step
 * said so (wake-ups.ts). Offsets go their own way (group-offsets.ts).
 */
import assert from 'node:assert/strict'
import type { Logger } from '../../logger.ts'
import type { Platform } from '../../platform/platform.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import type { BrokerConfig } from '../config.ts'
import type { Topic, Topics } from '../topics.ts'
import { consumerOffsetsTopic } from '../../protocol/internal-topics.ts'
import { step } from './group.ts'
import { type GroupOffsets, groupOffsets } from './group-offsets.ts'
import { refusedJoin, refusedSync } from './group-rebalance.ts'
import { openShard, type Shard } from './group-shard.ts'
import { groupShards } from './group-shards.ts'
import { snapshotOf } from './group-snapshot.ts'
import { type Group, newGroup, nextDeadline } from './group-state.ts'
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
import { wakeUps } from './wake-ups.ts'
import { groupRecord } from './offset-records.ts'

export interface GroupCoordinator extends GroupOffsets {
  /** Makes the topic that groups are kept in, if it is not there yet. */
  ready(): Promise<void>
  join(groupId: string, request: Asked<Omit<JoinInput, 'freshMemberId'>>): Promise<JoinResult>
  sync(groupId: string, request: Asked<SyncInput>): Promise<SyncResult>
  /** The error code of the answer. */
  heartbeat(groupId: string, request: Asked<HeartbeatInput>): Promise<number>
  /** One error code for each member named, or one for all when the coordinator does not serve. */
  leave(groupId: string, request: Asked<LeaveInput>): Promise<readonly number[] | number>
  /**
   * What `look` makes of the group as it is now, told once everything it saw is durable: the group itself may have changed
   * by then, and such a change could still be lost. Rejects never; a code means: not now.
   */
  read<Answer extends object>(
    groupId: string,
    look: (group: Group | undefined) => Answer,
  ): Promise<Answer | number>
  /** The group as it is in memory. */
  find(groupId: string): Group | undefined
  /** Every group as it is in memory. */
  groups(): Group[]
  /** Answers everybody who waits and starts no more timers. */
  stop(): void
}

/** A request as the coordinator is given it: where the answer goes is the coordinator's business. */
type Asked<Input> = Omit<Input, 'kind' | 'replyTo'>

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
  const alarms = wakeUps<Group>({ clock, timers })
  const shards = groupShards({
    maxGroups: config.maxGroups,
    stored: topics.get(consumerOffsetsTopic),
    ensureTopic: () => options.ensureTopic(),
    open: openShards,
    forgotten: group => alarms.cancel(group),
  })
  const offsets = groupOffsets({ clock, timers, logger, config, topics, shards })
  /** Open requests by the number that `step` knows them by. */
  const open = new Map<number, (answer: GroupReply | number) => void>()
  /** Groups that have gone on although the write was refused: nobody is told before it is made up for. */
  const unwritten = new WeakSet<Group>()
  let lastRequest = 0

  function openShards(topic: Topic): Shard[] {
    const opened = topic.partitions.map(log =>
      openShard(log, { leaderEpoch, logger, config, nowMs: clock.monotonic() }),
    )
    for (const shard of opened) {
      for (const group of shard.groups.values()) wakeUpAt(shard, group, nextDeadline(group))
    }
    const count = opened.reduce((sum, shard) => sum + shard.groups.size, 0)
    if (count > 0) logger.info({ groups: count }, 'The group coordinator has its groups again.')
    return opened
  }

  /** Puts a question to the group's step function. A number is the code for a question that never got there. */
  async function ask(
    groupId: string,
    input: (replyTo: number) => GroupInput,
    unknownGroup: 'make' | number,
  ): Promise<GroupReply | number> {
    const shard = await shards.of(groupId)
    if (typeof shard === 'number') return shard
    let group = shard.groups.get(groupId)
    if (group === undefined) {
      if (unknownGroup !== 'make') return unknownGroup
      if (shards.isFull()) return errorCode.GROUP_MAX_SIZE_REACHED
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
      group.phaseSinceMs = clock.now()
      const { groupId, generation, members } = group
      logger.debug(
        { groupId, generation, members: members.size, cause: input.kind },
        `The group is now ${group.phase}.`,
      )
    }
    let refusal: number = errorCode.NONE
    if (write || unwritten.has(group)) {
      const record = groupRecord(group.groupId, snapshotOf(group))
      refusal = shard.partition.write([record], clock.now())
      if (refusal === errorCode.NONE) unwritten.delete(group)
      else unwritten.add(group)
    }
    wakeUpAt(shard, group, nextDeadlineMs)
    shards.forgetIfNothing(shard, group)
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

  function wakeUpAt(shard: Shard, group: Group, atMs: number): void {
    alarms.wakeAt(group, atMs, () => apply(shard, group, { kind: 'tick' }))
  }

  function freshMemberId(clientId: string, instanceId: string | null): string {
    const hex = platform.random.bytes(16).toString('hex')
    return `${instanceId ?? clientId}-${hex}`
  }

  return {
    ready: () => shards.ready(),
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
      if (answer === errorCode.UNKNOWN_MEMBER_ID) return request.members.map(() => answer)
      if (typeof answer === 'number') return answer
      assert(answer.kind === 'leave')
      return answer.errorCodes
    },
    async read(groupId, look) {
      const shard = await shards.of(groupId)
      if (typeof shard === 'number') return shard
      const answer = look(shard.groups.get(groupId))
      const code = await shard.partition.durable()
      return code === errorCode.NONE ? answer : code
    },
    find: groupId => shards.find(groupId),
    groups: () => [...shards.all()].map(([, group]) => group),
    ...offsets,
    stop() {
      shards.stop()
      alarms.stop()
      offsets.stop()
      for (const answer of open.values()) answer(errorCode.COORDINATOR_NOT_AVAILABLE)
      open.clear()
    },
  }
}
