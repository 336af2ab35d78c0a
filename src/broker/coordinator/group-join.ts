/** JoinGroup: who may take part, and what it sets in motion. Rules of `GroupMetadataManager.classicGroupJoin`. */
import { errorCode } from '../../protocol/error-codes.ts'
import {
  electProtocol,
  type Group,
  type Member,
  NOTHING,
  sameProtocols,
  supports,
} from './group-state.ts'
import { findMember, type JoinInput, type JoinResult, touch, type Turn } from './group-step.ts'
import {
  completeIfAllJoined,
  currentGeneration,
  prepareRebalance,
  refusedJoin,
  refuseJoin,
  refuseSync,
  removeMember,
} from './group-rebalance.ts'

export function join(turn: Turn, input: JoinInput): void {
  const code = refusal(turn.group, input)
  if (code === errorCode.GROUP_MAX_SIZE_REACHED) return turnAway(turn, input)
  if (code !== errorCode.NONE) return answer(turn, input, refusedJoin(code, input.memberId))
  if (input.memberId === '') joinWithoutId(turn, input)
  else joinWithId(turn, input, input.memberId)
}

function refusal(group: Group, input: JoinInput): number {
  const { settings } = group
  if (group.phase === 'Dead') return errorCode.COORDINATOR_NOT_AVAILABLE
  if (
    input.sessionTimeoutMs < settings.groupMinSessionTimeoutMs ||
    input.sessionTimeoutMs > settings.groupMaxSessionTimeoutMs
  ) {
    return errorCode.INVALID_SESSION_TIMEOUT
  }
  if (input.protocolType === '' || input.protocols.length === 0) {
    return errorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  if (!hasRoom(group, input)) return errorCode.GROUP_MAX_SIZE_REACHED
  return fits(group, input) ? errorCode.NONE : errorCode.INCONSISTENT_GROUP_PROTOCOL
}

/**
 * While a rebalance gathers members those count that have come: when the largest size was made smaller, the last to come
 * have no place. (Kafka: GroupMetadataManager.acceptJoiningMember.)
 */
function hasRoom(group: Group, input: JoinInput): boolean {
  const { groupMaxSize } = group.settings
  if (group.phase === 'Empty') return true
  const replaced = input.instanceId === null ? undefined : group.instances.get(input.instanceId)
  const known = group.members.get(replaced ?? input.memberId)
  if (group.phase !== 'PreparingRebalance') {
    return known !== undefined || group.members.size < groupMaxSize
  }
  if (known !== undefined && known.joining !== null) return true
  let joining = 0
  for (const member of group.members.values()) if (member.joining !== null) joining++
  return joining < groupMaxSize
}

/** There is no room for it: whatever the group knew of this member it forgets. */
function turnAway(turn: Turn, input: JoinInput): void {
  const { group } = turn
  const member = group.members.get(input.memberId)
  answer(turn, input, refusedJoin(errorCode.GROUP_MAX_SIZE_REACHED, ''))
  if (member !== undefined) removeMember(turn, member)
  else if (group.reserved.delete(input.memberId)) completeIfAllJoined(turn)
}

/** With everybody else in the group the member must share the class of protocols and at least one of them. */
function fits(group: Group, input: JoinInput): boolean {
  if (group.members.size === 0) return true
  if (group.protocolType !== input.protocolType) return false
  const replaced = input.instanceId === null ? undefined : group.instances.get(input.instanceId)
  const others = [...group.members.values()].filter(
    member => member.memberId !== input.memberId && member.memberId !== replaced,
  )
  return input.protocols.some(({ name }) => others.every(member => supports(member, name)))
}

function joinWithoutId(turn: Turn, input: JoinInput): void {
  const { group, nowMs } = turn
  const memberId = input.freshMemberId
  if (input.instanceId !== null) {
    const holder = group.instances.get(input.instanceId)
    const replaced = holder === undefined ? undefined : group.members.get(holder)
    if (replaced === undefined) addMember(turn, input, memberId)
    else replaceStaticMember(turn, input, replaced, memberId)
    return
  }
  if (!input.knowsMemberIdRequired) return addMember(turn, input, memberId)
  if (group.reserved.size >= group.settings.groupMaxSize) return turnAway(turn, input)
  group.reserved.set(memberId, nowMs + input.sessionTimeoutMs)
  answer(turn, input, refusedJoin(errorCode.MEMBER_ID_REQUIRED, memberId))
}

function joinWithId(turn: Turn, input: JoinInput, memberId: string): void {
  const { group } = turn
  if (group.reserved.has(memberId) && input.instanceId === null) {
    group.reserved.delete(memberId)
    return addMember(turn, input, memberId)
  }
  const member = findMember(group, memberId, input.instanceId)
  if (typeof member === 'number') return answer(turn, input, refusedJoin(member, memberId))

  const unchanged = sameProtocols(member, input.protocols)
  const told =
    unchanged &&
    (group.phase === 'CompletingRebalance' ||
      (group.phase === 'Stable' && memberId !== group.leaderId))
  if (!told) {
    update(turn, member, input)
    return prepareRebalance(turn)
  }
  touch(member, turn.nowMs)
  answer(turn, input, currentGeneration(group, memberId))
}

/** How long the first JoinGroup of a member may wait before its client is taken for gone. Kafka's, not a setting there. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000

function addMember(turn: Turn, input: JoinInput, memberId: string): void {
  const { group, nowMs } = turn
  if (group.members.size === 0) group.protocolType = input.protocolType
  group.leaderId ??= memberId
  group.members.set(memberId, {
    memberId,
    instanceId: input.instanceId,
    clientId: input.clientId,
    clientHost: input.clientHost,
    sessionTimeoutMs: input.sessionTimeoutMs,
    rebalanceTimeoutMs: input.rebalanceTimeoutMs,
    protocols: input.protocols,
    assignment: NOTHING,
    sessionDeadlineMs: nowMs + NEW_MEMBER_JOIN_TIMEOUT_MS,
    isNew: true,
    mustSync: false,
    joining: input.replyTo,
    syncing: null,
  })
  if (input.instanceId !== null) group.instances.set(input.instanceId, memberId)
  if (group.gathering !== null) group.gathering.arrived = true
  prepareRebalance(turn)
}

/** The same member after its restart: the old id is fenced, and if nothing else changed nobody has to rebalance. */
function replaceStaticMember(turn: Turn, input: JoinInput, old: Member, memberId: string): void {
  const { group } = turn
  refuseJoin(turn, old, errorCode.FENCED_INSTANCE_ID)
  refuseSync(turn, old, errorCode.FENCED_INSTANCE_ID)
  const oldLeader = group.leaderId
  const { protocols, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = input
  const asked = { protocols, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs }
  const member: Member = { ...old, ...asked, memberId, isNew: false }
  group.members.delete(old.memberId)
  group.members.set(memberId, member)
  if (input.instanceId !== null) group.instances.set(input.instanceId, memberId)
  if (oldLeader === old.memberId) group.leaderId = memberId

  if (group.phase !== 'Stable' || electProtocol(group) !== group.protocolName) {
    update(turn, member, input)
    return prepareRebalance(turn)
  }
  touch(member, turn.nowMs)
  turn.write = true
  const result = currentGeneration(group, memberId)
  if (input.knowsSkipAssignment) {
    return answer(turn, input, { ...result, skipAssignment: memberId === group.leaderId })
  }
  // A client that cannot be told to skip the assignment must not believe that it leads.
  answer(turn, input, { ...result, leaderId: oldLeader ?? '', members: [] })
}

function update(turn: Turn, member: Member, input: JoinInput): void {
  // A client that gave up on its first request and asks again: only the newer one is still listened to.
  refuseJoin(turn, member, errorCode.REBALANCE_IN_PROGRESS)
  member.protocols = input.protocols
  member.clientId = input.clientId
  member.clientHost = input.clientHost
  member.sessionTimeoutMs = input.sessionTimeoutMs
  member.rebalanceTimeoutMs = input.rebalanceTimeoutMs
  member.joining = input.replyTo
  if (!member.isNew) touch(member, turn.nowMs)
}

function answer(turn: Turn, input: JoinInput, result: JoinResult): void {
  turn.replies.push({ kind: 'join', to: input.replyTo, ...result })
}
