/**
 * Whatever clients do, in whatever order, at whatever time: a group is never of two minds. The clients here follow the
 * protocol most of the time, and forget, crash, dawdle and speak for old generations in between.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { step } from '../../../src/broker/coordinator/group.ts'
import { restoreGroup, snapshotOf } from '../../../src/broker/coordinator/group-snapshot.ts'
import { type Group, newGroup, nextDeadline } from '../../../src/broker/coordinator/group-state.ts'
import type { GroupInput, GroupReply } from '../../../src/broker/coordinator/group-step.ts'
import { commitProblem, transactionalProblem } from '../../../src/broker/coordinator/offsets.ts'
import { groupRecord, readRecord } from '../../../src/broker/coordinator/offset-records.ts'
import { protocol } from './group-transcript.ts'

const PARTITIONS = 6
/** How often the coordinator was started again in each phase of the group. */
const restarts = new Map<string, number>()
/** Requests of static members that had been replaced. */
let fenced = 0
/** Shares handed out while somebody else had one in the same generation: what the test is about must have happened. */
let sharedGenerations = 0

interface Client {
  memberId: string
  generation: number
  /** Members to assign to, when it leads. */
  toAssign: readonly string[] | null
  readonly instanceId: string | null
}

type Action =
  | {
      readonly kind: 'join' | 'sync' | 'heartbeat' | 'leave' | 'remove' | 'forget' | 'haunt'
      readonly client: number
    }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }

const client = fc.nat(3)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('join' as const), client }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('sync' as const), client }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('heartbeat' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('haunt' as const), client }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(200), fc.nat(2500)),
    }),
  },
)

test('every request is answered once, generations only grow, and a partition has one owner in each', () => {
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 20, maxLength: 120, size: 'max' }),
      fc.constantFrom(0, 300),
      fc.nat(2),
      fc.constantFrom(3, 10),
      (actions, groupInitialRebalanceDelayMs, staticMembers, groupMaxSize) => {
        const settings = {
          groupInitialRebalanceDelayMs,
          groupMinSessionTimeoutMs: 1,
          groupMaxSessionTimeoutMs: 60_000,
          groupMaxSize,
        }
        let group = newGroup('g', settings)
        /** The record that a coordinator finds which starts now. */
        let written: Buffer | null = null
        const clients: Client[] = [0, 1, 2, 3].map(index => ({
          memberId: '',
          generation: -1,
          toAssign: null,
          instanceId: index < staticMembers ? `static ${index}` : null,
        }))
        const open = new Map<number, Client | null>()
        /** What each generation handed out: partition to member, and who leads by which protocol. */
        const owners = new Map<number, Map<string, string>>()
        const agreed = new Map<number, string>()
        /** Static members before they crashed: their processes may live on and speak. */
        const ghosts: Client[] = []
        /** Requests of ghosts whose place somebody else has taken: they must be refused. */
        const haunting = new Set<number>()
        let requests = 0
        let members = 0
        let now = 0
        let deadline = Infinity
        let generation = 0

        const run = (input: GroupInput): void => {
          const result = step(group, input, now)
          deadline = result.nextDeadlineMs
          expect(group.generation).toBeGreaterThanOrEqual(generation)
          generation = group.generation
          checkShape(group)
          if (result.write) written = groupRecord('g', snapshotOf(group)).value
          for (const reply of result.replies) hear(reply)
        }

        const ask = (asker: Client, input: (replyTo: number) => GroupInput): void => {
          const replyTo = ++requests
          open.set(replyTo, asker)
          run(input(replyTo))
        }

        const hear = (reply: GroupReply): void => {
          const asker = open.get(reply.to)
          expect(asker, 'answered once').toBeDefined()
          open.delete(reply.to)
          if (haunting.delete(reply.to)) {
            const codes = reply.kind === 'leave' ? reply.errorCodes : [reply.errorCode]
            for (const code of codes) expect([25, 82], 'a ghost is fenced').toContain(code)
            fenced++
          }
          if (asker === null || asker === undefined) return
          if (reply.kind === 'join' && reply.errorCode === 0) {
            asker.memberId = reply.memberId
            asker.generation = reply.generation
            const leads = reply.leaderId === reply.memberId && !reply.skipAssignment
            asker.toAssign = leads ? reply.members.map(({ memberId }) => memberId) : null
            if (leads) expect(asker.toAssign).toContain(reply.memberId)
          } else if (reply.kind === 'sync' && reply.errorCode === 0) {
            const taken = owners.get(asker.generation) ?? new Map<string, string>()
            owners.set(asker.generation, taken)
            if (taken.size > 0 && taken.size < PARTITIONS) sharedGenerations++
            for (const partition of reply.assignment.toString().split(',').filter(Boolean)) {
              const owner = asker.instanceId ?? asker.memberId
              expect(taken.get(partition) ?? owner, `owner of ${partition}`).toBe(owner)
              taken.set(partition, owner)
            }
            const choice = `${reply.protocolType} ${reply.protocolName}`
            expect(agreed.get(asker.generation) ?? choice).toBe(choice)
            agreed.set(asker.generation, choice)
          } else if (reply.kind !== 'leave' && reply.errorCode === 79 && reply.kind === 'join') {
            asker.memberId = reply.memberId
          } else if (reply.kind !== 'leave' && (reply.errorCode === 25 || reply.errorCode === 82)) {
            asker.memberId = ''
          }
        }

        /** Those who waited for an answer are not heard of again, and what was not written is not known any more. */
        const restart = (): void => {
          restarts.set(group.phase, (restarts.get(group.phase) ?? 0) + 1)
          open.clear()
          const found = readRecord(groupRecord('g', null).key, written)
          group =
            found.kind === 'group' && found.value !== null
              ? restoreGroup('g', found.value, settings, now)
              : newGroup('g', settings)
          generation = group.generation
          deadline = nextDeadline(group)
          checkShape(group)
        }

        const wait = (ms: number): void => {
          const until = now + ms
          const isDue = (): boolean => deadline <= until
          while (isDue()) {
            now = Math.max(now, deadline)
            run({ kind: 'tick' })
          }
          now = until
        }

        const act = (what: Action): void => {
          if (what.kind === 'wait') return wait(what.ms)
          if (what.kind === 'restart') return restart()
          const asker = clients[what.client]
          if (asker === undefined) return
          const { memberId, instanceId } = asker
          switch (what.kind) {
            case 'join':
              return ask(asker, replyTo => ({
                kind: 'join',
                replyTo,
                memberId,
                instanceId,
                clientId: 'c',
                clientHost: 'h',
                protocolType: 'consumer',
                protocols:
                  what.client === 1
                    ? [protocol('b'), protocol('a')]
                    : [protocol('a'), protocol('b')],
                sessionTimeoutMs: 1000,
                rebalanceTimeoutMs: 2000,
                freshMemberId: `m${++members}`,
                knowsMemberIdRequired: what.client === 2,
                knowsSkipAssignment: what.client === 0,
              }))
            case 'sync': {
              const to = asker.toAssign ?? []
              return ask(asker, replyTo => ({
                kind: 'sync',
                replyTo,
                memberId,
                instanceId,
                generation: asker.generation,
                protocolType: null,
                protocolName: null,
                assignments: to.map((id, index) => ({
                  memberId: id,
                  assignment: Buffer.from(
                    Array.from({ length: PARTITIONS }, (_, p) => p)
                      .filter(p => p % to.length === index)
                      .join(','),
                  ),
                })),
              }))
            }
            case 'heartbeat':
              return ask(asker, replyTo => ({
                kind: 'heartbeat',
                replyTo,
                memberId,
                instanceId,
                generation: asker.generation,
              }))
            case 'leave':
              return ask(asker, replyTo => ({
                kind: 'leave',
                replyTo,
                members: [{ memberId, instanceId: null }],
              }))
            case 'remove':
              return ask(asker, replyTo => ({
                kind: 'leave',
                replyTo,
                members: clients.map(other => ({ memberId: '', instanceId: other.instanceId })),
              }))
            case 'haunt': {
              const ghost = ghosts[(actions.length + requests) % Math.max(ghosts.length, 1)]
              if (ghost === undefined) return
              const { memberId: oldId, instanceId: place, generation: old } = ghost
              const self = { memberId: oldId, instanceId: place }
              const replaced = group.instances.get(place ?? '') !== oldId
              if (!replaced) return
              const inputs: ((replyTo: number) => GroupInput)[] = [
                replyTo => ({ kind: 'heartbeat', replyTo, ...self, generation: old }),
                replyTo => ({ kind: 'leave', replyTo, members: [self] }),
                replyTo => ({
                  kind: 'sync',
                  replyTo,
                  ...self,
                  generation: old,
                  protocolType: null,
                  protocolName: null,
                  assignments: [],
                }),
              ]
              const committer = { ...self, generation: old }
              expect([25, 82]).toContain(transactionalProblem(group, committer))
              expect([25, 82]).toContain(commitProblem(group, committer, now))
              for (const input of inputs) {
                haunting.add(requests + 1)
                ask({ ...ghost }, input)
              }
              return
            }
            case 'forget':
              // A crash: nobody hears its answers, and it comes back without an id.
              for (const [replyTo, who] of open) if (who === asker) open.set(replyTo, null)
              if (instanceId !== null && memberId !== '') ghosts.push(asker)
              clients[what.client] = { ...asker, memberId: '', generation: -1, toAssign: null }
          }
        }

        for (const what of actions) act(what)
        wait(100_000)
        expect([...open.keys()], 'nobody is left waiting').toEqual([])
        expect(group.members.size, 'sessions of the silent end').toBe(0)
        expect(deadline).toBe(Infinity)
      },
    ),
    { numRuns: 1000 },
  )
  expect(sharedGenerations).toBeGreaterThan(100)
  expect(fenced).toBeGreaterThan(100)
  const phases = ['CompletingRebalance', 'Empty', 'PreparingRebalance', 'Stable']
  expect([...restarts.keys()].sort()).toEqual(phases)
})

function checkShape(group: Group): void {
  const members = [...group.members.values()]
  if (group.phase === 'Empty') expect(members).toEqual([])
  else expect(group.members.has(group.leaderId ?? ''), 'a leader').toBe(true)
  if (group.phase !== 'PreparingRebalance') {
    expect(
      members.filter(({ joining }) => joining !== null),
      'nobody is left out of a generation that has begun',
    ).toEqual([])
  }
  if (group.phase !== 'CompletingRebalance') {
    expect(
      members.filter(({ syncing }) => syncing !== null),
      'nobody waits for an assignment that is there or will never be',
    ).toEqual([])
  }
  const holders = new Map<string, string>()
  for (const { instanceId, memberId } of members) {
    if (instanceId !== null) holders.set(instanceId, memberId)
  }
  expect(group.instances, 'each instance has its member').toEqual(holders)
}
