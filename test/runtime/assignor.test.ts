import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Assignment,
  type AssignorConfig,
  type AssignorMember,
  type AssignorTask,
  assignTasks,
} from '../../src/runtime/assignor.ts'
import { compareTaskIds } from '../../src/runtime/task-placement.ts'

/** Sub-topology 0 and 1 have state, 2 and 3 have none. */
const isStateful = (id: string): boolean => id < '2'

const tasksOf = (...ids: string[]): AssignorTask[] =>
  ids.map(id => ({ id, isStateful: isStateful(id) }))

const someTasks = fc
  .uniqueArray(fc.tuple(fc.nat(3), fc.nat(12)), { maxLength: 40, selector: pair => pair.join('_') })
  .map(pairs => tasksOf(...pairs.map(pair => pair.join('_'))))

const someLag = fc.oneof(fc.constant(0), fc.nat(200), fc.nat(1_000_000))

const someMember = (id: number, ids: readonly string[]): fc.Arbitrary<AssignorMember> =>
  fc.record({
    memberId: fc.constant(`member-${id}`),
    processId: fc.constant(`process-${id % 20}`),
    owned: fc.subarray([...ids]),
    standbys: fc.subarray([...ids]),
    lags: fc
      .subarray([...ids])
      .chain(stored =>
        fc
          .array(someLag, { minLength: stored.length, maxLength: stored.length })
          .map(lags => new Map(stored.map((task, i) => [task, lags[i] ?? 0]))),
      ),
  })

const someConfig: fc.Arbitrary<AssignorConfig> = fc.record({
  numStandbyReplicas: fc.nat(3),
  maxWarmupReplicas: fc.integer({ min: 1, max: 4 }),
  acceptableRecoveryLag: fc.constantFrom(0, 100),
})

const someMembers = (tasks: readonly AssignorTask[]): fc.Arbitrary<AssignorMember[]> =>
  fc
    .uniqueArray(fc.nat(50), { minLength: 1, maxLength: 7 })
    .chain(ids => fc.tuple(...ids.map(id => someMember(id, idsOf(tasks)))))

const cluster = someTasks.chain(tasks =>
  fc.record({ tasks: fc.constant(tasks), members: someMembers(tasks), config: someConfig }),
)

const idsOf = (tasks: readonly AssignorTask[]): string[] => tasks.map(({ id }) => id)

const newcomer = (memberId: string): AssignorMember => {
  return { memberId, processId: memberId, owned: [], standbys: [], lags: new Map() }
}

/**
 * What the members say next: they let go of what they were to let go of, did not get what others had then, and have caught
 * up by a part of what was missing.
 */
function continued(
  members: readonly AssignorMember[],
  { shares }: Assignment,
  left: number,
): AssignorMember[] {
  return members.map(member => {
    const { tasks, standbys: given } = shares.get(member.memberId) ?? { tasks: [], standbys: [] }
    const others = members.flatMap(other => (other === member ? [] : other.owned))
    const owned = tasks.filter(task => !others.includes(task))
    const withheld = tasks.filter(task => others.includes(task) && isStateful(task))
    const standbys = [...given, ...withheld]
    const lags = new Map(member.lags)
    // What it does not look after falls behind.
    for (const [task, lag] of lags) lags.set(task, lag + 60)
    for (const task of standbys) lags.set(task, reduced(member.lags.get(task), left))
    for (const task of owned) lags.set(task, 0)
    return { ...member, owned, standbys, lags }
  })
}

/** Those of no earlier reading begin with a thousand records. */
const reduced = (lag = 1000, left: number): number => (lag < 10 ? 0 : Math.floor(lag * left))

/** Goes on until nothing moves; says how many times it looked. */
function settle(
  members: readonly AssignorMember[],
  tasks: readonly AssignorTask[],
  config: AssignorConfig,
  left = 0,
): { members: AssignorMember[]; assignment: Assignment; looks: number } {
  let now = [...members]
  let before: Assignment | undefined
  for (let looks = 0; looks < 5000; looks++) {
    const assignment = assignTasks(now, tasks, config)
    const gained = continued(now, assignment, left)
    const isSettled =
      !assignment.awaitsWarmup &&
      before !== undefined &&
      same(before, assignment) &&
      gained.every((member, i) => idsSame(member.owned, now[i]?.owned))
    if (isSettled) return { members: gained, assignment, looks }
    before = assignment
    now = gained
  }
  throw new Error('the tasks never come to rest')
}

const same = (a: Assignment, b: Assignment): boolean =>
  JSON.stringify([...a.shares]) === JSON.stringify([...b.shares])

const idsSame = (a: readonly string[], b: readonly string[] = []): boolean =>
  a.toSorted().join() === b.toSorted().join()

const loads = (
  { shares }: Assignment,
  prefix: string,
  of: 'tasks' | 'standbys' | 'both',
): number[] =>
  [...shares.values()].map(
    ({ tasks, standbys }) =>
      [...(of === 'standbys' ? [] : tasks), ...(of === 'tasks' ? [] : standbys)].filter(task =>
        task.startsWith(prefix),
      ).length,
  )

const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts)

describe('assignTasks', () => {
  test('gives every task to exactly one member', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks, config }) => {
        const given = [...assignTasks(members, tasks, config).shares.values()]
        const ids = given.flatMap(share => share.tasks)
        expect(ids.sort(compareTaskIds)).toEqual(idsOf(tasks).sort(compareTaskIds))
      }),
    )
  })

  test('a standby is never beside its task, and only what has state gets one', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks, config }) => {
        for (const share of assignTasks(members, tasks, config).shares.values()) {
          expect(share.standbys.filter(task => share.tasks.includes(task))).toEqual([])
          expect(new Set(share.standbys).size).toBe(share.standbys.length)
          expect(share.standbys.filter(task => !isStateful(task))).toEqual([])
        }
      }),
    )
  })

  test('each task has its standbys, and warm-ups are no more than allowed', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks, config }) => {
        const { shares } = assignTasks(members, tasks, config)
        const standbys = [...shares.values()].flatMap(share => share.standbys)
        const replicas = Math.min(config.numStandbyReplicas, members.length - 1)
        let warmups = 0
        for (const { id } of tasks.filter(task => task.isStateful)) {
          const count = standbys.filter(task => task === id).length
          expect(count).toBeGreaterThanOrEqual(replicas)
          warmups += count - replicas
        }
        expect(warmups).toBeLessThanOrEqual(config.maxWarmupReplicas)
      }),
    )
  })

  test('a task that somebody has up to the acceptable lag runs where it is caught up', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks, config }) => {
        const { shares } = assignTasks(members, tasks, config)
        const isCaughtUp = ({ lags }: AssignorMember, id: string): boolean =>
          (lags.get(id) ?? Infinity) <= config.acceptableRecoveryLag
        for (const { id } of tasks.filter(task => task.isStateful)) {
          if (!members.some(member => isCaughtUp(member, id))) continue
          const runner = members.find(({ memberId }) => shares.get(memberId)?.tasks.includes(id))
          expect(runner !== undefined && isCaughtUp(runner, id)).toBe(true)
        }
      }),
    )
  })

  test('comes to rest in bounded looks, balanced, and then nothing moves', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks, config }) => {
        const settled = settle(members, tasks, config)
        const { assignment, looks } = settled
        expect(looks).toBeLessThanOrEqual(3 * tasks.length + 4)
        for (const prefix of ['', '0_', '1_', '2_', '3_']) {
          expect(spread(loads(assignment, prefix, 'tasks'))).toBeLessThanOrEqual(1)
        }
        const again = assignTasks(settled.members, tasks, config)
        expect(again).toEqual(assignment)
      }),
    )
  })

  test('comes to rest however slowly members catch up, as they come and go', () => {
    const coming = fc.array(fc.oneof(fc.constant('come'), fc.nat(6)), { maxLength: 6 })
    fc.assert(
      fc.property(cluster, coming, fc.constantFrom(0, 0.5, 0.8), (start, changes, left) => {
        const { tasks, config } = start
        let { members } = start
        for (const [i, change] of changes.entries()) {
          ;({ members } = settle(members, tasks, config, left))
          if (change === 'come') members = [...members, newcomer(`new-${i}`)]
          else if (members.length > 1) members = members.filter((_, at) => at !== change)
          // Not yet at rest when the next one comes or goes.
          const assignment = assignTasks(members, tasks, config)
          members = continued(members, assignment, left)
        }
        const { assignment } = settle(members, tasks, config, left)
        expect(spread(loads(assignment, '', 'tasks'))).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('tasks and standbys are balanced together', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2, max: 6 }),
        fc.nat(2),
        (partitions, size, numStandbyReplicas) => {
          const tasks = tasksOf(...Array.from({ length: partitions }, (_, i) => `0_${i}`))
          const config = { numStandbyReplicas, maxWarmupReplicas: 2, acceptableRecoveryLag: 100 }
          let members = [newcomer('a')]
          for (let i = 1; i < size; i++) {
            members = settle([...members, newcomer(`m${i}`)], tasks, config).members
          }
          const { assignment } = settle(members, tasks, config)
          expect(spread(loads(assignment, '', 'both'))).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  test('does not depend on the order of members and tasks', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks, config }) => {
        const reversed = assignTasks(members.toReversed(), tasks.toReversed(), config)
        const straight = assignTasks(members, tasks, config)
        expect(Object.fromEntries(reversed.shares)).toEqual(Object.fromEntries(straight.shares))
        expect(reversed.awaitsWarmup).toBe(straight.awaitsWarmup)
      }),
    )
  })

  test('a member that leaves takes nobody else out of work', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks: all, config }) => {
        const tasks = all.filter(task => task.id.startsWith('0_'))
        const rest = settle(members, tasks, config).members.slice(1)
        if (rest.length === 0) return
        const { shares } = assignTasks(rest, tasks, config)
        for (const { memberId, owned } of rest) {
          expect(shares.get(memberId)?.tasks).toEqual(expect.arrayContaining([...owned]))
        }
      }),
    )
  })

  test('a member that joins takes only its own share, once its state is there', () => {
    fc.assert(
      fc.property(cluster, ({ members: some, tasks: all, config }) => {
        const tasks = all.filter(task => task.id.startsWith('0_'))
        const before = settle(some, tasks, config).members
        const joined = [...before, newcomer('new')]
        const first = assignTasks(joined, tasks, config)
        expect(first.shares.get('new')?.tasks).toEqual([])
        const after = settle(joined, tasks, config).assignment
        for (const { memberId, owned } of before) {
          const now = after.shares.get(memberId)?.tasks ?? []
          expect(now.filter(task => !owned.includes(task))).toEqual([])
        }
      }),
    )
  })

  const config = { numStandbyReplicas: 0, maxWarmupReplicas: 2, acceptableRecoveryLag: 100 }
  const shared = ({ shares }: Assignment): unknown => Object.fromEntries(shares)

  test('prefers who has the state', () => {
    const a = { ...newcomer('a'), lags: new Map([['0_1', 5000]]) }
    const b = { ...newcomer('b'), lags: new Map([['0_0', 0]]) }
    expect(shared(assignTasks([a, b], tasksOf('0_0', '0_1'), config))).toEqual({
      a: { tasks: ['0_1'], standbys: [] },
      b: { tasks: ['0_0'], standbys: [] },
    })
  })

  test('work moves to a newcomer when it has warmed up, two tasks at a time', () => {
    const tasks = tasksOf('0_0', '0_1', '0_2', '0_3', '0_4', '0_5')
    const owned = idsOf(tasks)
    const a = { ...newcomer('a'), owned, lags: new Map(owned.map(id => [id, 0])) }
    const first = assignTasks([a, newcomer('b')], tasks, config)
    expect(first.awaitsWarmup).toBe(true)
    expect(shared(first)).toEqual({
      a: { tasks: owned, standbys: [] },
      b: { tasks: [], standbys: ['0_3', '0_4'] },
    })
    const warm = { ...newcomer('b'), standbys: ['0_3', '0_4'], lags: new Map([['0_3', 90]]) }
    expect(shared(assignTasks([a, warm], tasks, config))).toEqual({
      a: { tasks: ['0_0', '0_1', '0_2', '0_4', '0_5'], standbys: [] },
      b: { tasks: ['0_3'], standbys: ['0_4', '0_5'] },
    })
  })

  test('a standby takes over at once from a member that is gone or has lost its state', () => {
    const tasks = tasksOf('0_0', '0_1')
    const standby = { ...newcomer('b'), owned: ['0_1'], standbys: ['0_0'] }
    const b = { ...standby, lags: new Map([['0_0', 0], ['0_1', 0]]) } // prettier-ignore
    expect(shared(assignTasks([b], tasks, config))).toEqual({
      b: { tasks: ['0_0', '0_1'], standbys: [] },
    })
    const a = { ...newcomer('a'), owned: ['0_0'], lags: new Map([['0_0', 90_000]]) }
    const assignment = assignTasks([a, b], tasks, config)
    expect(shared(assignment)).toEqual({
      a: { tasks: [], standbys: ['0_0'] },
      b: { tasks: ['0_0', '0_1'], standbys: [] },
    })
    expect(assignment.awaitsWarmup).toBe(true)
  })

  test('a standby that is to move stays where it is until the other is ready', () => {
    const replicas = { ...config, numStandbyReplicas: 1 }
    const tasks = tasksOf('0_0', '0_1', '0_2')
    const lags = new Map(idsOf(tasks).map(id => [id, 0]))
    const a = { ...newcomer('a'), owned: ['0_0', '0_1'], standbys: ['0_2'], lags }
    const b = { ...newcomer('b'), owned: ['0_2'], standbys: ['0_0', '0_1'], lags }
    const first = assignTasks([a, b, newcomer('c')], tasks, replicas)
    expect(first.awaitsWarmup).toBe(true)
    expect(first.shares.get('a')).toEqual({ tasks: ['0_0', '0_1'], standbys: ['0_2'] })
    expect(first.shares.get('b')).toEqual({ tasks: ['0_2'], standbys: ['0_0', '0_1'] })
    expect(first.shares.get('c')?.standbys).toHaveLength(2)
  })

  test('spreads each sub-topology', () => {
    const members = ['a', 'b'].map(newcomer)
    const { shares } = assignTasks(members, tasksOf('0_0', '0_1', '1_0', '1_1'), config)
    for (const share of shares.values()) {
      expect(share.tasks.map(task => task.slice(0, 1)).sort()).toEqual(['0', '1'])
    }
  })
})
