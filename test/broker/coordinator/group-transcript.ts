import { errorName } from '../../../src/protocol/error-codes.ts'
import { step } from '../../../src/broker/coordinator/group.ts'
import {
  type Group,
  type GroupSettings,
  newGroup,
} from '../../../src/broker/coordinator/group-state.ts'
import type {
  GroupInput,
  GroupReply,
  JoinInput,
  SyncInput,
} from '../../../src/broker/coordinator/group-step.ts'

/** A group, a clock that only moves when told, and everything that was answered, as text that a person can read. */
export class GroupTranscript {
  readonly group: Group
  readonly lines: string[] = []
  now = 0
  private requests = 0
  private members = 0
  private readonly askers = new Map<number, string>()

  constructor(settings: Partial<GroupSettings> = {}) {
    this.group = newGroup('g', {
      groupInitialRebalanceDelayMs: 0,
      groupMinSessionTimeoutMs: 100,
      groupMaxSessionTimeoutMs: 60_000,
      groupMaxSize: 5,
      ...settings,
    })
  }

  /** What was said since the last call. */
  take(): string[] {
    return this.lines.splice(0)
  }

  join(name: string, options: Partial<JoinInput> = {}): void {
    this.step(name, replyTo => ({
      kind: 'join',
      replyTo,
      memberId: name,
      instanceId: null,
      clientId: 'client',
      clientHost: '/host',
      protocolType: 'consumer',
      protocols: [protocol('range')],
      sessionTimeoutMs: 1000,
      rebalanceTimeoutMs: 3000,
      freshMemberId: name === '' ? `m${++this.members}` : 'unused',
      knowsMemberIdRequired: false,
      knowsSkipAssignment: false,
      ...options,
    }))
  }

  sync(
    name: string,
    assignments: Record<string, string> = {},
    generation = this.group.generation,
    options: Partial<SyncInput> = {},
  ): void {
    this.step(name, replyTo => ({
      kind: 'sync',
      replyTo,
      memberId: name,
      instanceId: null,
      generation,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        assignment: Buffer.from(text),
      })),
      ...options,
    }))
  }

  heartbeat(
    name: string,
    generation = this.group.generation,
    instanceId: string | null = null,
  ): void {
    this.step(name, replyTo => ({
      kind: 'heartbeat',
      replyTo,
      memberId: name,
      instanceId,
      generation,
    }))
  }

  leave(name: string, instanceId: string | null = null): void {
    this.step(name, replyTo => ({
      kind: 'leave',
      replyTo,
      members: [{ memberId: name, instanceId }],
    }))
  }

  leaveAll(members: readonly [memberId: string, instanceId: string | null][]): void {
    this.step('all', replyTo => ({
      kind: 'leave',
      replyTo,
      members: members.map(([memberId, instanceId]) => ({ memberId, instanceId })),
    }))
  }

  /** Lets time pass, with ticks when they are due. */
  wait(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const due = this.deadline
      if (due > until) break
      this.now = Math.max(due, this.now)
      this.step('', () => ({ kind: 'tick' }))
    }
    this.now = until
  }

  private deadline = Infinity

  private step(name: string, input: (replyTo: number) => GroupInput): void {
    const replyTo = ++this.requests
    this.askers.set(replyTo, name)
    const { replies, write, nextDeadlineMs } = step(this.group, input(replyTo), this.now)
    this.deadline = nextDeadlineMs
    if (write) {
      const members = [...this.group.members.keys()].join(' ')
      this.lines.push(`write generation ${this.group.generation} [${members}]`)
    }
    for (const reply of replies) {
      this.lines.push(`${this.askers.get(reply.to) || '(new)'} ${describe(reply)}`)
    }
  }
}

export function protocol(name: string, metadata = ''): JoinInput['protocols'][number] {
  return { name, metadata: Buffer.from(metadata) }
}

function describe(reply: GroupReply): string {
  if (reply.kind === 'leave') return `left ${reply.errorCodes.map(errorName).join(' ')}`
  if (reply.errorCode !== 0) {
    const id = reply.kind === 'join' && reply.memberId !== '' ? ` as ${reply.memberId}` : ''
    return `${reply.kind} ${errorName(reply.errorCode)}${id}`
  }
  switch (reply.kind) {
    case 'join': {
      const members = reply.members.map(({ memberId }) => memberId).join(' ')
      const skip = reply.skipAssignment ? ' skips assignment' : ''
      return `joined ${reply.generation} as ${reply.memberId} by ${reply.protocolName}, leader ${reply.leaderId} [${members}]${skip}`
    }
    case 'sync':
      return `synced "${reply.assignment.toString()}"`
    default:
      return 'alive'
  }
}
