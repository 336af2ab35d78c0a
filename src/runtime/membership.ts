import type {
  GroupAssignment,
  GroupMember,
  GroupMemberInfo,
  LogClient,
} from '../client/log-client.ts'
import type { TopicPartition } from '../client/log-client.ts'
import { assignTasks } from './assignor.ts'
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
import { type TaskTimeout, withinTaskTimeout } from './task-timeout.ts'

/** All instances of an application name this assignment protocol; a group with other members refuses it. */
const protocol = 'stream'

const sessionTimeoutMs = 45_000
const rebalanceTimeoutMs = 300_000

/** What happens to this instance in its group. Each call has been acted upon when its promise resolves. */
export interface MembershipEvents {
  assigned(share: Share): Promise<void>
  revoked(): Promise<void>
  lost(): Promise<void>
  failed(error: Error): void
}

/**
 * Joins the application's group. The group is named after the application, as Kafka Streams does it, so tools that look
 * at consumer groups see its members, partitions and lag. Whoever is the leader assigns tasks, not partitions: they
 * travel in the user data.
 *
 * Static membership under the process id, so that a restart takes its own place; timeouts are those of Kafka's consumer
 * (session 45 s) and of its `max.poll.interval.ms` (5 min, here the time that a member has to commit and let go).
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
  const { topology } = planned
  return client.joinGroup({
    group: topology.applicationId,
    instanceId: describe().processId,
    topics: [...new Set(topology.subtopologies.flatMap(subtopologyTopics))].sort(),
    // A getter, because what a member owns and has on disk changes between one rebalance and the next.
    get userData() {
      return encodeMemberData(describe())
    },
    protocol,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    async assign(members) {
      await refresh()
      return assign(members, planned.plan)
    },
    async assigned(share) {
      await refresh()
      await events.assigned(shareOf(share))
    },
    revoked: () => events.revoked(),
    lost: () => events.lost(),
    failed: error => events.failed(error),
  })
}

function assign(members: readonly GroupMemberInfo[], plan: PartitionPlan): GroupAssignment[] {
  const candidates = members.map(({ memberId, userData }) => {
    const { processId, owned, stored } = decodeMemberData(userData)
    const lags = new Map(Object.keys(stored).map(id => [id, 0]))
    return { memberId, processId, owned, standbys: [], lags }
  })
  // Nobody keeps state ready for others: tasks move with or without it.
  const tasks = plan.tasks.map(({ id }) => ({ id, isStateful: false }))
  const config = { numStandbyReplicas: 0, maxWarmupReplicas: 0, acceptableRecoveryLag: 0 }
  const { shares } = assignTasks(candidates, tasks, config)
  return [...shares].map(([memberId, { tasks: given }]) => ({
    memberId,
    partitions: given.flatMap(id => partitionsOf(id, plan)),
    userData: encodeShare({ ...emptyShare, tasks: given }),
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
