import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AssignorMember, assignTasks } from '../../src/runtime/assignor.ts'
import { type Claimant, handOver, settleClaims } from '../../src/runtime/hand-over.ts'

const allTasks = Array.from({ length: 8 }, (_, partition) => `0_${partition}`)
const subset = fc.subarray(allTasks)

/** Where the tasks ought to be, as the assignor says. */
function wantedBy(
  members: readonly Claimant[],
  existing: readonly string[],
): Map<string, string[]> {
  const candidates: AssignorMember[] = members.map(({ memberId, owned }) => ({
    memberId,
    processId: memberId,
    owned,
    standbys: [],
    lags: new Map(),
  }))
  const tasks = existing.map(id => ({ id, isStateful: false }))
  const config = { numStandbyReplicas: 0, maxWarmupReplicas: 0, acceptableRecoveryLag: 0 }
  const { shares } = assignTasks(candidates, tasks, config)
  return new Map([...shares].map(([memberId, share]) => [memberId, share.tasks]))
}

const anyMembers = fc
  .array(fc.record({ generation: fc.integer({ min: -1, max: 3 }), owned: subset }), {
    minLength: 1,
    maxLength: 5,
  })
  .map(members => members.map((member, index) => ({ ...member, memberId: `m${index}` })))

/** What a group does to settle: everybody has what it is given and gives up what is revoked, or goes without a word. */
interface Step {
  readonly joins: boolean
  readonly leaves: readonly number[]
  /** Those that are too slow to give up what is revoked before the next generation. */
  readonly slow: readonly number[]
}

const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    joins: fc.boolean(),
    leaves: fc.subarray([0, 1, 2, 3], { maxLength: 1 }),
    slow: fc.subarray([0, 1, 2, 3, 4]),
  }),
  { maxLength: 12 },
)

test('a task that somebody has is given to nobody else, and what is revoked is theirs', () => {
  fc.assert(
    fc.property(anyMembers, subset, (members, existing) => {
      const settled = settleClaims(members)
      const ownerOf = (task: string) => settled.filter(({ owned }) => owned.includes(task))
      for (const task of allTasks) {
        const claims = members.filter(({ owned }) => owned.includes(task))
        const newest = Math.max(...claims.map(({ generation }) => generation))
        expect(ownerOf(task)).toHaveLength(Math.min(claims.length, 1))
        for (const { generation } of ownerOf(task)) expect(generation).toBe(newest)
      }
      const wanted = wantedBy(settled, existing)
      const shares = handOver(settled, wanted)
      const given = [...shares].flatMap(([memberId, { tasks }]) =>
        tasks.map(task => ({ task, memberId })),
      )
      expect(new Set(given.map(({ task }) => task)).size).toBe(given.length)
      for (const { task, memberId } of given) {
        const [owner] = ownerOf(task)
        expect(owner?.memberId ?? memberId).toBe(memberId)
        expect(wanted.get(memberId)).toContain(task)
      }
      for (const { memberId, owned } of settled) {
        const { tasks, revoked } = shares.get(memberId) ?? { tasks: [], revoked: [] }
        // Everything that a member has is either still its own or asked back.
        expect([...owned.filter(task => tasks.includes(task)), ...revoked].sort()).toEqual(
          [...owned].sort(),
        )
      }
    }),
  )
})

test('never two have a task, and once nobody comes or goes all tasks are had, evenly', () => {
  fc.assert(
    fc.property(anySteps, steps => {
      const group = new Map<string, Set<string>>([['p0', new Set()]])
      let names = 1
      let moves = 0
      const rebalance = (slow: readonly number[]): void => {
        const members = [...group].map(([memberId, owned]) => ({
          memberId,
          generation: 0,
          owned: [...owned],
        }))
        const shares = handOver(settleClaims(members), wantedBy(members, allTasks))
        moves = 0
        for (const [index, [memberId, { tasks, revoked }]] of [...shares].entries()) {
          const owned = group.get(memberId)
          for (const task of tasks) owned?.add(task)
          if (slow.includes(index)) continue
          for (const task of revoked) owned?.delete(task)
          moves += revoked.length
        }
        const had = [...group.values()].flatMap(owned => [...owned])
        expect(new Set(had).size).toBe(had.length)
      }
      for (const { joins, leaves, slow } of steps) {
        if (joins) group.set(`p${names++}`, new Set())
        for (const index of leaves) {
          const left = [...group.keys()][index]
          if (left !== undefined && group.size > 1) group.delete(left)
        }
        rebalance(slow)
      }
      // Who has given something up joins again: two generations more are enough.
      rebalance([])
      rebalance([])
      expect(moves).toBe(0)
      const sizes = [...group.values()].map(owned => owned.size)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(allTasks.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }),
  )
})
