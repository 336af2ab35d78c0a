/**
 * The rebalance of a classic group. PreparingRebalance gathers the JoinGroup requests of all members, then a new
 * generation begins: everybody learns the chosen protocol, the leader also who takes part. CompletingRebalance gathers
 * SyncGroup requests until the leader has brought the assignment (`group-sync.ts`).
 */
import assert from 'node:assert/strict'
import { errorCode } from '../../protocol/error-codes.ts'
import {
  electProtocol,
  type Group,
  longestRebalanceTimeout,
  type Member,
  metadataFor,
  NOTHING,
} from './group-state.ts'
import { type JoinResult, touch, type Turn } from './group-step.ts'

/** Starts a rebalance unless one is being prepared; completes it at once when nobody is missing. */
export function prepareRebalance(turn: Turn): void {
  const { group, nowMs } = turn
  if (group.phase === 'PreparingRebalance') return completeIfAllJoined(turn)
  const wasEmpty = group.phase === 'Empty'
  if (group.phase === 'CompletingRebalance') refuseSyncs(turn, errorCode.REBALANCE_IN_PROGRESS)
  group.phase = 'PreparingRebalance'
  group.syncDeadlineMs = Infinity
  const longestMs = longestRebalanceTimeout(group)
  if (!wasEmpty) {
    group.rebalanceDeadlineMs = nowMs + longestMs
    return completeIfAllJoined(turn)
  }
  const delayMs = group.settings.groupInitialRebalanceDelayMs
  if (delayMs === 0) return completeJoin(turn)
  group.gathering = { remainingMs: Math.max(longestMs - delayMs, 0), arrived: false }
  group.rebalanceDeadlineMs = nowMs + delayMs
}

/**
 * A first generation waits out its delay, and who has been given an id is waited for; any other generation begins as soon
 * as nobody is missing. Without members there is nothing to wait for.
 */
export function completeIfAllJoined(turn: Turn): void {
  const { group } = turn
  if (group.phase !== 'PreparingRebalance') return
  if (group.members.size > 0 && (group.gathering !== null || group.reserved.size > 0)) return
  for (const member of group.members.values()) if (member.joining === null) return
  completeJoin(turn)
}

/** The deadline of a rebalance has come: puts off a first generation once more, or begins the generation. */
export function endPreparing(turn: Turn): void {
  const { group, nowMs } = turn
  const { gathering } = group
  if (gathering !== null && gathering.arrived && gathering.remainingMs > 0) {
    const delayMs = Math.min(group.settings.groupInitialRebalanceDelayMs, gathering.remainingMs)
    group.gathering = { remainingMs: gathering.remainingMs - delayMs, arrived: false }
    group.rebalanceDeadlineMs = nowMs + delayMs
    return
  }
  completeJoin(turn)
}

function completeJoin(turn: Turn): void {
  const { group, nowMs } = turn
  group.gathering = null
  for (const member of group.members.values()) {
    if (member.joining === null && member.instanceId === null) forget(turn, member)
  }
  if (group.members.size === 0) return becomeEmpty(turn)

  // Static members keep their place while they are away, but somebody present must lead.
  const present = [...group.members.values()].filter(member => member.joining !== null)
  const firstPresent = present[0]
  const protocolName = electProtocol(group)
  if (firstPresent === undefined) {
    group.rebalanceDeadlineMs = nowMs + Math.max(longestRebalanceTimeout(group), 1)
    return
  }
  assert(protocolName !== null, 'nobody is let in who shares no protocol with the others')
  if (!present.some(member => member.memberId === group.leaderId)) {
    group.leaderId = firstPresent.memberId
  }

  group.generation++
  group.protocolName = protocolName
  group.phase = 'CompletingRebalance'
  group.rebalanceDeadlineMs = Infinity
  group.syncDeadlineMs = nowMs + Math.max(longestRebalanceTimeout(group), 1)
  for (const member of group.members.values()) {
    member.assignment = NOTHING
    member.isNew = false
    member.mustSync = true
    replyJoin(turn, member, currentGeneration(group, member.memberId))
    // Those who are away too: static members get a session in which to come back.
    touch(member, nowMs)
  }
}

function becomeEmpty(turn: Turn): void {
  const { group } = turn
  group.phase = 'Empty'
  group.generation++
  group.protocolName = null
  group.leaderId = null
  group.rebalanceDeadlineMs = Infinity
  turn.write = true
}

/** Ends a member's part in the group; the others rebalance if they had a generation. */
export function removeMember(turn: Turn, member: Member): void {
  forget(turn, member)
  const { phase } = turn.group
  if (phase === 'Stable' || phase === 'CompletingRebalance') prepareRebalance(turn)
  else completeIfAllJoined(turn)
}

function forget(turn: Turn, member: Member): void {
  const { group } = turn
  refuseJoin(turn, member, errorCode.UNKNOWN_MEMBER_ID)
  refuseSync(turn, member, errorCode.UNKNOWN_MEMBER_ID)
  group.members.delete(member.memberId)
  if (member.instanceId !== null) group.instances.delete(member.instanceId)
  if (group.leaderId === member.memberId) {
    group.leaderId = group.members.keys().next().value ?? null
  }
}

/** What a member of the current generation is told; only the leader learns who the others are. */
export function currentGeneration(group: Group, memberId: string): JoinResult {
  const members =
    memberId === group.leaderId
      ? [...group.members.values()].map(member => ({
          memberId: member.memberId,
          instanceId: member.instanceId,
          metadata: metadataFor(member, group.protocolName),
        }))
      : []
  return {
    errorCode: errorCode.NONE,
    generation: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leaderId: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members,
  }
}

export function refusedJoin(code: number, memberId: string): JoinResult {
  return {
    errorCode: code,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leaderId: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function refuseJoin(turn: Turn, member: Member, code: number): void {
  if (member.joining !== null) replyJoin(turn, member, refusedJoin(code, member.memberId))
}

function replyJoin(turn: Turn, member: Member, result: JoinResult): void {
  if (member.joining === null) return
  turn.replies.push({ kind: 'join', to: member.joining, ...result })
  member.joining = null
}

export function refuseSync(turn: Turn, member: Member, code: number): void {
  if (member.syncing === null) return
  turn.replies.push({ kind: 'sync', to: member.syncing, ...refusedSync(code) })
  member.syncing = null
}

function refuseSyncs(turn: Turn, code: number): void {
  for (const member of turn.group.members.values()) {
    member.assignment = NOTHING
    refuseSync(turn, member, code)
  }
}

export function refusedSync(code: number): {
  errorCode: number
  protocolType: null
  protocolName: null
  assignment: Buffer
} {
  return { errorCode: code, protocolType: null, protocolName: null, assignment: NOTHING }
}
