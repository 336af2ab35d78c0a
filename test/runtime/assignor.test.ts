import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AssignorMember, assignTasks, compareTaskIds } from '../../src/runtime/assignor.ts'

const taskIds = fc
  .uniqueArray(fc.tuple(fc.nat(3), fc.nat(12)), { maxLength: 40, selector: pair => pair.join('_') })
  .map(pairs => pairs.map(pair => pair.join('_')))

const cluster = taskIds.chain(tasks =>
  fc.record({
    tasks: fc.constant(tasks),
    members: fc.uniqueArray(fc.nat(50), { minLength: 1, maxLength: 7 }).chain(ids =>
      fc.tuple(
        ...ids.map(id =>
          fc.record({
            memberId: fc.constant(`member-${id}`),
            processId: fc.constant(`process-${id % 20}`),
            owned: fc.subarray(tasks),
            stored: fc.subarray(tasks),
          }),
        ),
      ),
    ),
  }),
)

function continued(
  members: readonly AssignorMember[],
  assignment: Map<string, string[]>,
): AssignorMember[] {
  return members.map(member => ({ ...member, owned: assignment.get(member.memberId) ?? [] }))
}

describe('assignTasks', () => {
  test('gives every task to exactly one member', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks }) => {
        const given = [...assignTasks(members, tasks).values()].flat()
        expect(given.sort(compareTaskIds)).toEqual([...tasks].sort(compareTaskIds))
      }),
    )
  })

  test('loads differ by one at most, in all and in each sub-topology', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks }) => {
        const shares = [...assignTasks(members, tasks).values()]
        expect(shares).toHaveLength(members.length)
        for (const prefix of ['', '0_', '1_', '2_', '3_']) {
          const loads = shares.map(share => share.filter(task => task.startsWith(prefix)).length)
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  test('does not depend on the order of members and tasks', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks }) => {
        const reversed = assignTasks(members.toReversed(), tasks.toReversed())
        expect(Object.fromEntries(reversed)).toEqual(
          Object.fromEntries(assignTasks(members, tasks)),
        )
      }),
    )
  })

  test('is stable: nothing moves while nobody comes or goes', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks }) => {
        const first = assignTasks(members, tasks)
        expect(assignTasks(continued(members, first), tasks)).toEqual(first)
      }),
    )
  })

  test('a member that leaves takes nobody else out of work', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks: all }) => {
        const tasks = all.filter(task => task.startsWith('0_'))
        const first = assignTasks(members, tasks)
        const rest = continued(members, first).slice(1)
        if (rest.length === 0) return
        const second = assignTasks(rest, tasks)
        for (const { memberId, owned } of rest) {
          expect(second.get(memberId)).toEqual(expect.arrayContaining([...owned]))
        }
      }),
    )
  })

  test('a member that joins takes only its own share', () => {
    fc.assert(
      fc.property(cluster, ({ members, tasks: all }) => {
        const tasks = all.filter(task => task.startsWith('0_'))
        const first = assignTasks(members, tasks)
        const newcomer = { memberId: 'new', processId: 'new', owned: [], stored: [] }
        const second = assignTasks([...continued(members, first), newcomer], tasks)
        const moved = members.flatMap(({ memberId }) =>
          (second.get(memberId) ?? []).filter(task => !first.get(memberId)?.includes(task)),
        )
        expect(moved).toEqual([])
      }),
    )
  })

  test('prefers who has the state', () => {
    const members = [
      { memberId: 'a', processId: 'a', owned: [], stored: ['0_1'] },
      { memberId: 'b', processId: 'b', owned: [], stored: ['0_0'] },
    ]
    expect(assignTasks(members, ['0_0', '0_1'])).toEqual(
      new Map([
        ['a', ['0_1']],
        ['b', ['0_0']],
      ]),
    )
  })

  test('spreads each sub-topology', () => {
    const members = ['a', 'b'].map(id => ({ memberId: id, processId: id, owned: [], stored: [] }))
    const assignment = assignTasks(members, ['0_0', '0_1', '1_0', '1_1'])
    for (const share of assignment.values()) {
      expect(share.map(task => task.slice(0, 1)).sort()).toEqual(['0', '1'])
    }
  })
})
