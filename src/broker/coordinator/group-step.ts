import { errorCode } from '../../protocol/error-codes.ts'
import type { Group, Member, MemberProtocol } from './group-state.ts'

/** What can happen to a group. `replyTo` names the open request whose answer `step` will give, now or later. */
export type GroupInput =
  JoinInput | SyncInput | HeartbeatInput | LeaveInput | { readonly kind: 'tick' }

export interface JoinInput {
  readonly kind: 'join'
  readonly replyTo: number
  /** Empty for a member that has no id yet. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** The id this member gets if it needs one: drawing it is not the step's business. */
  readonly freshMemberId: string
  /** The client knows MEMBER_ID_REQUIRED (JoinGroup 4 and later). */
  readonly knowsMemberIdRequired: boolean
  /** The client knows `skipAssignment` (JoinGroup 9 and later). */
  readonly knowsSkipAssignment: boolean
}

export interface SyncInput {
  readonly kind: 'sync'
  readonly replyTo: number
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
  /** Null when the client did not say (SyncGroup below 5). */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface HeartbeatInput {
  readonly kind: 'heartbeat'
  readonly replyTo: number
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export interface LeaveInput {
  readonly kind: 'leave'
  readonly replyTo: number
  readonly members: readonly { readonly memberId: string; readonly instanceId: string | null }[]
}

export type GroupReply =
  | ({ readonly kind: 'join'; readonly to: number } & JoinResult)
  | ({ readonly kind: 'sync'; readonly to: number } & SyncResult)
  | { readonly kind: 'heartbeat'; readonly to: number; readonly errorCode: number }
  | { readonly kind: 'leave'; readonly to: number; readonly errorCodes: readonly number[] }

export interface JoinResult {
  readonly errorCode: number
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string
  readonly skipAssignment: boolean
  readonly memberId: string
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly metadata: Buffer
  }[]
}

export interface SyncResult {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

/** One call of `step` while it is being worked out. */
export interface Turn {
  readonly group: Group
  readonly nowMs: number
  readonly replies: GroupReply[]
  /** The group's state must be written before the replies of this and later turns may be sent. */
  write: boolean
}

/** The member that a request speaks for, or the error code of the answer it gets instead. */
export function findMember(
  group: Group,
  memberId: string,
  instanceId: string | null,
): Member | number {
  if (instanceId !== null) {
    const holder = group.instances.get(instanceId)
    if (holder === undefined) return errorCode.UNKNOWN_MEMBER_ID
    if (holder !== memberId) return errorCode.FENCED_INSTANCE_ID
  }
  return group.members.get(memberId) ?? errorCode.UNKNOWN_MEMBER_ID
}

/** A sign of life: the member's session starts again. */
export function touch(member: Member, nowMs: number): void {
  member.sessionDeadlineMs = nowMs + member.sessionTimeoutMs
}
