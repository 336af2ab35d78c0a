/**
 * The coordinator of one classic consumer group as a step function: no clock, no promise, no file. Each call takes one
 * thing that happened and answers what to tell whom and whether the group's state must be written first. Rules are those
 * of `ClassicGroup` and `GroupMetadataManager` of Apache Kafka (KIP-62, KIP-345 static members, KIP-394 member ids).
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { canFallSilent, type Group, type Member, nextDeadline, NOTHING } from './group-state.ts'
import {
  findMember,
  type GroupInput,
  type GroupReply,
  type HeartbeatInput,
  type LeaveInput,
  type SyncInput,
  touch,
  type Turn,
} from './group-step.ts'
import { join } from './group-join.ts'
import {
  completeIfAllJoined,
  endPreparing,
  refusedSync,
  refuseSync,
  removeMember,
} from './group-rebalance.ts'

export interface StepResult {
  /** To be sent after everything that was written so far is durable. */
  readonly replies: readonly GroupReply[]
  /** The group's state as it is now must be written. */
  readonly write: boolean
  /** When a `tick` is due, on the clock of `nowMs`; Infinity for never. */
  readonly nextDeadlineMs: number
}

/** Changes `group` in place. `nowMs` must not go backwards between calls. */
export function step(group: Group, input: GroupInput, nowMs: number): StepResult {
  const turn: Turn = { group, nowMs, replies: [], write: false }
  switch (input.kind) {
    case 'join':
      join(turn, input)
      break
    case 'sync':
      sync(turn, input)
      break
    case 'heartbeat':
      turn.replies.push({ kind: 'heartbeat', to: input.replyTo, errorCode: heartbeat(turn, input) })
      break
    case 'leave':
      leave(turn, input)
      break
    case 'tick':
      tick(turn)
      break
  }
  return { replies: turn.replies, write: turn.write, nextDeadlineMs: nextDeadline(group) }
}

function sync(turn: Turn, input: SyncInput): void {
  const { group, nowMs } = turn
  const member = syncingMember(group, input)
  if (typeof member === 'number') {
    turn.replies.push({ kind: 'sync', to: input.replyTo, ...refusedSync(member) })
    return
  }
  touch(member, nowMs)
  // A client that asks again: only the newer request is still listened to.
  refuseSync(turn, member, errorCode.REBALANCE_IN_PROGRESS)
  member.syncing = input.replyTo
  member.mustSync = false
  if (group.phase === 'CompletingRebalance') {
    if (member.memberId !== group.leaderId) return
    for (const other of group.members.values()) other.assignment = NOTHING
    for (const { memberId, assignment } of input.assignments) {
      const receiver = group.members.get(memberId)
      if (receiver !== undefined) receiver.assignment = assignment
    }
    group.phase = 'Stable'
    turn.write = true
  }
  for (const receiver of group.members.values()) {
    if (receiver.syncing === null) continue
    turn.replies.push({
      kind: 'sync',
      to: receiver.syncing,
      errorCode: errorCode.NONE,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      assignment: receiver.assignment,
    })
    receiver.syncing = null
    touch(receiver, nowMs)
  }
  if (!missesSync(group)) group.syncDeadlineMs = Infinity
}

function missesSync(group: Group): boolean {
  for (const member of group.members.values()) if (member.mustSync) return true
  return false
}

function syncingMember(group: Group, input: SyncInput): Member | number {
  if (group.phase === 'Dead') return errorCode.COORDINATOR_NOT_AVAILABLE
  const member = findMember(group, input.memberId, input.instanceId)
  if (typeof member === 'number') return member
  if (input.generation !== group.generation) return errorCode.ILLEGAL_GENERATION
  if (
    (input.protocolType !== null && input.protocolType !== group.protocolType) ||
    (input.protocolName !== null && input.protocolName !== group.protocolName)
  ) {
    return errorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return group.phase === 'PreparingRebalance' ? errorCode.REBALANCE_IN_PROGRESS : member
}

function heartbeat(turn: Turn, input: HeartbeatInput): number {
  const { group, nowMs } = turn
  if (group.phase === 'Dead') return errorCode.COORDINATOR_NOT_AVAILABLE
  const member = findMember(group, input.memberId, input.instanceId)
  if (typeof member === 'number') return member
  if (input.generation !== group.generation) return errorCode.ILLEGAL_GENERATION
  touch(member, nowMs)
  return group.phase === 'PreparingRebalance' ? errorCode.REBALANCE_IN_PROGRESS : errorCode.NONE
}

function leave(turn: Turn, input: LeaveInput): void {
  const { group } = turn
  const errorCodes = input.members.map(({ memberId, instanceId }) => {
    if (group.phase === 'Dead') return errorCode.COORDINATOR_NOT_AVAILABLE
    if (group.reserved.delete(memberId)) {
      completeIfAllJoined(turn)
      return errorCode.NONE
    }
    // An administrator names a static member by its instance id alone.
    const byInstance = memberId === '' && instanceId !== null
    const id = byInstance ? (group.instances.get(instanceId) ?? '') : memberId
    const member = findMember(group, id, instanceId)
    if (typeof member === 'number') return member
    removeMember(turn, member)
    return errorCode.NONE
  })
  turn.replies.push({ kind: 'leave', to: input.replyTo, errorCodes })
}

function tick(turn: Turn): void {
  const { group, nowMs } = turn
  for (const [memberId, deadlineMs] of group.reserved) {
    if (deadlineMs <= nowMs) group.reserved.delete(memberId)
  }
  for (const member of group.members.values()) {
    if (canFallSilent(member) && member.sessionDeadlineMs <= nowMs) removeMember(turn, member)
  }
  if (group.phase !== 'PreparingRebalance' && group.syncDeadlineMs <= nowMs) {
    group.syncDeadlineMs = Infinity
    const missing = [...group.members.values()].filter(member => member.mustSync)
    for (const member of missing) removeMember(turn, member)
  }
  if (group.phase === 'PreparingRebalance' && group.rebalanceDeadlineMs <= nowMs) endPreparing(turn)
  completeIfAllJoined(turn)
}
