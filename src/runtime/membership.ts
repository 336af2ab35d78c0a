import type {
  GroupAssignment,
  GroupMember,
  GroupMemberInfo,
  LogClient,
} from '../client/log-client.ts'
import type { TopicPartition } from '../client/log-client.ts'
import { assignTasks } from './assignor.ts'
import { handOver, settleClaims } from './hand-over.ts'
import {
  decodeMemberData,
  decodeShare,
  emptyShare,
  encodeMemberData,
  encodeShare,
  type MemberData,
  type Share,
} from './member-data.ts'
import { type PartitionPlan, subtopologyTopics } from './partition-plan.ts'
import type { PlannedTopology } from './planned-topology.ts'
import { withRouting } from './queries/routing.ts'
import { type TaskTimeout, withinTaskTimeout } from './task-timeout.ts'

/** All instances of an application name this assignment protocol; a group with other members refuses it. */
const protocol = 'stream'

const sessionTimeoutMs = 45_000
const rebalanceTimeoutMs = 300_000

/** What happens to this instance in its group. Each call has been acted upon when its promise resolves. */
export interface MembershipEvents {
  /** All that the instance has now: what it has already goes on. */
  assigned(share: Share): Promise<void>
  /** The group has given its tasks to others: nothing of them can be committed. */
  lost(): Promise<void>
  failed(error: unknown): void
}

/**
 * Joins the application's group. The group is named after the application, as Kafka Streams does it, so tools that look
 * at consumer groups see its members, partitions and lag. Whoever is the leader assigns tasks, not partitions: they
 * travel in the user data. Tasks go on while the group rebalances, and stop only where they move (`hand-over.ts`).
 *
 * Static membership under the process id, so that a restart takes its own place; timeouts are those of Kafka's consumer
 * (session 45 s) and of its `max.poll.interval.ms` (5 min, here the time that a member has to join again).
 */
export function joinGroup(options: {
  client: LogClient
  planned: PlannedTopology
  /** For looking at the topics before tasks are shared out or started. */
  patience: TaskTimeout
  /** Of this instance, at the time of the call. */
  describe: () => MemberData
  events: MembershipEvents
}): GroupMember {
  const { client, planned, patience, describe, events } = options
  const refresh = (): Promise<boolean> =>
    withinTaskTimeout('Looking up topics', patience, () => planned.refresh())
  let latest = emptyShare

  async function take(share: Share): Promise<void> {
    await refresh()
    if (share !== latest) return
    await events.assigned(share)
    if (share === latest && share.revoked.length > 0) member.rejoin()
  }

  const member = client.joinGroup({
    group: planned.topology.applicationId,
    instanceId: describe().processId,
    get topics() {
      return [...new Set(planned.topology.subtopologies.flatMap(subtopologyTopics))].sort()
    },
    get userData() {
      const data = describe()
      // What was given last is this member's too, whether it has come to it or not.
      return encodeMemberData({ ...data, owned: [...new Set([...data.owned, ...latest.tasks])] })
    },
    protocol,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    async assign(members) {
      await refresh()
      return withRouting(members, assign(members, planned.plan))
    },
    assigned(assignment) {
      latest = shareOf(assignment)
      take(latest).catch((error: unknown) => events.failed(error))
    },
    lost() {
      latest = emptyShare
      return events.lost()
    },
    failed: error => events.failed(error),
  })
  return member
}

function assign(members: readonly GroupMemberInfo[], plan: PartitionPlan): GroupAssignment[] {
  const said = members.map(({ memberId, generation, userData }) => {
    const { processId, owned, stored } = decodeMemberData(userData)
    const lags = new Map(Object.keys(stored).map(id => [id, 0]))
    return { memberId, generation, processId, owned, standbys: [], lags }
  })
  const candidates = settleClaims(said)
  // Nobody keeps state ready for others: tasks move with or without it.
  const tasks = plan.tasks.map(({ id }) => ({ id, isStateful: false }))
  const config = { numStandbyReplicas: 0, maxWarmupReplicas: 0, acceptableRecoveryLag: 0 }
  const wanted = assignTasks(candidates, tasks, config).shares
  const given = handOver(candidates, new Map([...wanted].map(([id, share]) => [id, share.tasks])))
  return [...given].map(([memberId, share]) => ({
    memberId,
    partitions: share.tasks.flatMap(id => partitionsOf(id, plan)),
    userData: encodeShare({ ...emptyShare, ...share }),
  }))
}

function partitionsOf(taskId: string, plan: PartitionPlan): TopicPartition[] {
  const task = plan.tasks.find(({ id }) => id === taskId)
  return task === undefined ? [] : task.topics.map(topic => ({ topic, partition: task.partition }))
}

/** A member that the leader left out gets no user data at all. */
function shareOf({ userData }: GroupAssignment): Share {
  return userData.length === 0 ? emptyShare : decodeShare(userData)
}
