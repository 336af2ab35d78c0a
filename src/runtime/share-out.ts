import type { GroupMemberInfo } from '../client/log-client.ts'
import { type AssignorConfig, assignTasks } from './assignor.ts'
import { changelogsOf } from './changelogs.ts'
import { handOver, settleClaims } from './hand-over.ts'
import { decodeMemberData, emptyShare, type Share } from './member-data.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { type ChangelogEnds, lagsOf } from './task-lags.ts'

/**
 * What the leader of the group gives to each member, by member id. Who is to have a task that another one gives up first
 * keeps its state ready meanwhile. When state is awaited somewhere, the leader is told to ask for another look: a group does
 * not rebalance for any other member that says what it said before.
 */
export function shareOut(
  members: readonly GroupMemberInfo[],
  options: {
    plan: PartitionPlan
    ends: ChangelogEnds | undefined
    config: AssignorConfig
    /** Process id of the leader. */
    leader: string
    /** When to look again, in milliseconds since 1970. */
    nextProbeAtMs: number
  },
): Map<string, Share> {
  const { plan, ends, config, leader, nextProbeAtMs } = options
  const candidates = settleClaims(
    members.map(({ memberId, generation, userData }) => {
      const { processId, owned, standbys, stored } = decodeMemberData(userData)
      const lags = lagsOf({ stored }, ends)
      return { memberId, generation, processId, owned, standbys, lags }
    }),
  )
  const tasks = plan.tasks.map(task => ({
    id: task.id,
    isStateful: changelogsOf(task).length > 0,
    size: ends?.get(task.id) ?? Infinity,
  }))
  const stateful = new Set(tasks.filter(({ isStateful }) => isStateful).map(({ id }) => id))
  const { shares: wanted, awaitsWarmup } = assignTasks(candidates, tasks, config)
  const wantedTasks = new Map([...wanted].map(([id, share]) => [id, share.tasks]))
  const leaderId = candidates.find(({ processId }) => processId === leader)?.memberId
  const shares = new Map<string, Share>()
  for (const [memberId, { tasks: given, revoked }] of handOver(candidates, wantedTasks)) {
    const { tasks: all = [], standbys = [] } = wanted.get(memberId) ?? {}
    const awaited = all.filter(id => !given.includes(id))
    const isLeader = memberId === leaderId
    shares.set(memberId, {
      ...emptyShare,
      tasks: given,
      revoked,
      awaitsTasks: awaited.length > 0,
      standbys: [...standbys, ...awaited.filter(id => stateful.has(id))],
      nextProbeAtMs: awaitsWarmup && isLeader ? nextProbeAtMs : null,
    })
  }
  return shares
}
