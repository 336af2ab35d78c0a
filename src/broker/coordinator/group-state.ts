import type { OffsetTable } from './offsets.ts'
import type { PendingOffsets } from './pending-offsets.ts'

/** Names as DescribeGroups and ListGroups show them. */
export type GroupPhase = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/**
 * One classic consumer group, whole: `step` changes it in place, and nothing else does. What must survive a restart is
 * written by `step` as records; the rest (deadlines, who waits for an answer) is made anew.
 */
export interface Group {
  readonly groupId: string
  readonly settings: GroupSettings
  phase: GroupPhase
  /** Since when it is in this phase, in wall-clock milliseconds; -1 when that is not known. */
  phaseSinceMs: number
  /** Class of the protocols, `consumer` for consumers; set by the first member, kept while offsets refer to it. */
  protocolType: string | null
  /** Grows by one with each completed rebalance. */
  generation: number
  protocolName: string | null
  leaderId: string | null
  /** In order of arrival. */
  readonly members: Map<string, Member>
  /** Static members: instance id to member id (KIP-345). */
  readonly instances: Map<string, string>
  /** Member ids handed out and not used yet, with the time they lapse (KIP-394). */
  readonly reserved: Map<string, number>
  /** While PreparingRebalance: when it ends without those who have not rejoined. */
  rebalanceDeadlineMs: number
  /** While the first generation gathers members: how much longer it may be put off, and whether anybody came lately. */
  gathering: { remainingMs: number; arrived: boolean } | null
  /** From the start of a generation until all have asked for their assignment: when those that did not are removed. */
  syncDeadlineMs: number
  readonly offsets: OffsetTable
  /** Offsets committed in transactions that have not ended, by producer id. */
  readonly pending: PendingOffsets
}

export interface Member {
  memberId: string
  readonly instanceId: string | null
  clientId: string
  clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  /** In the member's order of preference. */
  protocols: readonly MemberProtocol[]
  assignment: Buffer
  /** When silence removes it; not looked at while it waits for an answer, during which many clients cannot be heard. */
  sessionDeadlineMs: number
  /** Its first JoinGroup is not answered: it cannot know its id, so a client that gave up will come as another member. */
  isNew: boolean
  /** It has been told of the generation and not asked for its assignment. */
  mustSync: boolean
  /** Where the answer of its JoinGroup goes, while one is open. */
  joining: number | null
  /** Where the answer of its SyncGroup goes, while one is open. */
  syncing: number | null
}

export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface GroupSettings {
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxSize: number
}

/** Nobody is in it, and nothing of it is stored. */
export function isForgettable(group: Group): boolean {
  return (
    group.phase === 'Empty' &&
    group.generation === 0 &&
    group.reserved.size === 0 &&
    group.offsets.size === 0 &&
    group.pending.size === 0
  )
}

export function newGroup(groupId: string, settings: GroupSettings): Group {
  return {
    groupId,
    settings,
    phase: 'Empty',
    phaseSinceMs: -1,
    protocolType: null,
    generation: 0,
    protocolName: null,
    leaderId: null,
    members: new Map(),
    instances: new Map(),
    reserved: new Map(),
    rebalanceDeadlineMs: Infinity,
    gathering: null,
    syncDeadlineMs: Infinity,
    offsets: new Map(),
    pending: new Map(),
  }
}

/** When `step` must be called with a `tick`, if nothing else happens before; Infinity for never. */
export function nextDeadline(group: Group): number {
  let next = Infinity
  if (group.phase === 'PreparingRebalance') next = group.rebalanceDeadlineMs
  else next = group.syncDeadlineMs
  for (const member of group.members.values()) {
    if (canFallSilent(member)) next = Math.min(next, member.sessionDeadlineMs)
  }
  for (const deadline of group.reserved.values()) next = Math.min(next, deadline)
  return next
}

/** Whether its session may end now; a new member's is the time that its first JoinGroup may take. */
export function canFallSilent(member: Member): boolean {
  return member.isNew || (member.joining === null && member.syncing === null)
}

/** The protocols that every member supports, in the first member's order. */
export function commonProtocols(group: Group): string[] {
  const [first, ...others] = group.members.values()
  if (first === undefined) return []
  return first.protocols
    .map(protocol => protocol.name)
    .filter(name => others.every(member => supports(member, name)))
}

/** The common protocol that most members prefer; the earlier one of two with equal votes. */
export function electProtocol(group: Group): string | null {
  const votes = new Map(commonProtocols(group).map(name => [name, 0]))
  for (const member of group.members.values()) {
    const choice = member.protocols.find(protocol => votes.has(protocol.name))
    if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
  }
  let elected: string | null = null
  for (const [name, count] of votes) {
    if (elected === null || count > (votes.get(elected) ?? 0)) elected = name
  }
  return elected
}

export function metadataFor(member: Member, protocolName: string | null): Buffer {
  return member.protocols.find(protocol => protocol.name === protocolName)?.metadata ?? NOTHING
}

export function sameProtocols(member: Member, protocols: readonly MemberProtocol[]): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every((mine, index) => {
      const theirs = protocols[index]
      return theirs?.name === mine.name && theirs.metadata.equals(mine.metadata)
    })
  )
}

export function supports(member: Member, protocolName: string): boolean {
  return member.protocols.some(protocol => protocol.name === protocolName)
}

export function longestRebalanceTimeout(group: Group): number {
  let longest = 0
  for (const member of group.members.values()) {
    longest = Math.max(longest, member.rebalanceTimeoutMs)
  }
  return longest
}

export const NOTHING: Buffer = Buffer.alloc(0)
