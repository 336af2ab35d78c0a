import { expect, test } from 'vitest'
import type { GroupMemberInfo } from '../../src/client/log-client.ts'
import { defineApp } from '../../src/dsl/define-app.ts'
import { allOffsets, encodeMemberData, type MemberData } from '../../src/runtime/member-data.ts'
import { planPartitions } from '../../src/runtime/partition-plan.ts'
import { shareOut } from '../../src/runtime/share-out.ts'
import { lagsOf } from '../../src/runtime/task-lags.ts'
import { string } from '../../src/serde/string.ts'

const text = { key: string(), value: string() }
const app = defineApp('app', builder => {
  builder.stream('in', text).groupByKey().count({ store: 'counts' })
})
const plan = planPartitions(app.compile(), new Map([['in', 4]]))
const ends = new Map(plan.tasks.map(({ id }) => [id, 50_000]))
const config = { numStandbyReplicas: 0, maxWarmupReplicas: 2, acceptableRecoveryLag: 100 }

function member(name: string, said: Partial<MemberData>): GroupMemberInfo {
  const data = { processId: name, owned: [], standbys: [], stored: {}, endpoint: null }
  const userData = encodeMemberData({ ...data, shutdownRequested: false, ...said })
  return { memberId: name, instanceId: name, generation: 1, topics: ['in'], userData }
}

const all = ['0_0', '0_1', '0_2', '0_3']
const runs = (...ids: string[]): Record<string, number> =>
  Object.fromEntries(ids.map(id => [id, allOffsets]))

const share = (members: readonly GroupMemberInfo[]): ReturnType<typeof shareOut> =>
  shareOut(members, { plan, ends, config, leader: 'b', nextProbeAtMs: 1234 })

test('who has nothing gets copies first, and the leader looks again', () => {
  const shares = share([member('a', { owned: all, stored: runs(...all) }), member('b', {})])
  expect(shares.get('a')).toMatchObject({ tasks: all, revoked: [], nextProbeAtMs: null })
  expect(shares.get('b')).toMatchObject({
    tasks: [],
    standbys: ['0_2', '0_3'],
    nextProbeAtMs: 1234,
  })
})

test('who is to have a task keeps its state ready while its owner gives it up', () => {
  const stored = { '0_2': 49_990, '0_3': 49_990 }
  const standbys = ['0_2', '0_3']
  const b = member('b', { standbys, stored })
  const shares = share([member('a', { owned: all, stored: runs(...all) }), b])
  expect(shares.get('a')).toMatchObject({ tasks: ['0_0', '0_1'], revoked: ['0_2', '0_3'] })
  expect([...shares.values()].map(({ awaitsTasks }) => awaitsTasks)).toEqual([false, true])
  expect(shares.get('b')).toMatchObject({ tasks: [], standbys: ['0_2', '0_3'] })
  // And the owner has given it up.
  const given = { ...runs('0_0', '0_1'), '0_2': 50_000, '0_3': 50_000 }
  const next = share([member('a', { owned: ['0_0', '0_1'], stored: given }), b])
  expect(next.get('b')).toMatchObject({ tasks: ['0_2', '0_3'], standbys: [], nextProbeAtMs: null })
})

test('what a member lacks is counted up to the ends of the changelogs', () => {
  const stored = { '0_0': allOffsets, '0_1': 49_000, '0_2': -1, '0_3': 60_000 }
  const lags = [['0_0', 0], ['0_1', 1000], ['0_3', 0]] as const // prettier-ignore
  expect(lagsOf({ stored }, ends)).toEqual(new Map(lags))
  // Nobody could be asked: who has any of it is as good as another.
  expect(lagsOf({ stored }, undefined).get('0_1')).toBe(0)
})
