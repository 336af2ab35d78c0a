import type { GroupAssignment, GroupMember, LogClient } from '../client/log-client.ts'
import type { TopicPartition } from '../client/log-client.ts'
import type { ResolvedStreamsConfig } from '../dsl/streams-config.ts'
import type { Clock } from '../platform/platform.ts'
import {
  decodeMemberData,
  decodeShare,
  emptyShare,
  encodeMemberData,
  encodeShare,
  type MemberData,
  type Share,
} from './member-data.ts'
import { type PartitionPlan, planDigest, subtopologyTopics } from './partition-plan.ts'
import type { PlannedTopology } from './planned-topology.ts'
import { withRouting } from './queries/routing.ts'
import { shareOut } from './share-out.ts'
import { lookUpEnds } from './task-lags.ts'
import { type TaskTimeout, withinTaskTimeout } from './task-timeout.ts'

/** All instances of an application name this assignment protocol; a group with other members refuses it. */
const protocol = 'stream'

const rebalanceTimeoutMs = 300_000

/** What happens to this instance in its group. Each call has been acted upon when its promise resolves. */
export interface MembershipEvents {
  /** All that the instance has now: what it has already goes on. */
  assigned(share: Share): Promise<void>
  /** The group has given its tasks to others: nothing of them can be committed. */
  lost(): Promise<void>
  /** An instance asks all instances to stop. No task is assigned from now on. */
  shutdownRequested(): void
  failed(error: unknown): void
}

/**
 * Joins the application's group. The group is named after the application, as Kafka Streams does it, so tools that look
 * at consumer groups see its members, partitions and lag. Whoever is the leader assigns tasks, not partitions: they
 * travel in the user data. Tasks go on while the group rebalances, and stop only where they move (`hand-over.ts`).
 *
 * Static membership under the process id, so that a restart takes its own place. The time that a member has to join again is
 * that of Kafka's `max.poll.interval.ms`.
 */
export function joinGroup(options: {
  client: LogClient
  planned: PlannedTopology
  /** For looking at the topics before tasks are shared out or started. */
  patience: TaskTimeout
  config: ResolvedStreamsConfig
  clock: Pick<Clock, 'now'>
  /** Of this instance, at the time of the call. */
  describe: () => MemberData
  events: MembershipEvents
}): GroupMember {
  const { client, planned, patience, config, clock, describe, events } = options
  const refresh = (): Promise<boolean> =>
    withinTaskTimeout('Looking up topics', patience, () => planned.refresh())
  let latest = emptyShare
  /** The plan for which this member has asked the group to share out the tasks anew. */
  let askedFor: string | undefined

  async function take(share: Share): Promise<void> {
    const tasks = [...share.tasks, ...share.standbys]
    await withinTaskTimeout('Looking up topics', patience, () => planned.refreshFor(tasks))
    if (share !== latest) return
    if (share.shutdown) {
      events.shutdownRequested()
      return
    }
    // It may be from before this instance began anew with another topology, or before a topic got more partitions. Once is enough:
    // while the leader runs another release, it shares out what that has.
    const digest = planDigest(planned.plan)
    if (share.plan !== null && share.plan !== digest && askedFor !== digest) {
      askedFor = digest
      member.rejoin()
      return
    }
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
    sessionTimeoutMs: config.sessionTimeoutMs,
    rebalanceTimeoutMs,
    async assign(members) {
      await refresh()
      const { plan } = planned
      const ends = members.length > 1 ? await lookUpEnds(plan, { client, ...patience }) : new Map()
      const nextProbeAtMs = clock.now() + config.probingRebalanceIntervalMs
      const leader = describe().processId
      const shares = shareOut(members, { plan, ends, config, leader, nextProbeAtMs })
      const shutdown = members.some(({ userData }) => decodeMemberData(userData).shutdownRequested)
      const assignments = [...shares].map(([memberId, share]) => ({
        memberId,
        partitions: share.tasks.flatMap(id => partitionsOf(id, plan)),
        userData: encodeShare({ ...share, shutdown, plan: planDigest(plan) }),
      }))
      return withRouting(members, assignments)
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

function partitionsOf(taskId: string, plan: PartitionPlan): TopicPartition[] {
  const task = plan.tasks.find(({ id }) => id === taskId)
  return task === undefined ? [] : task.topics.map(topic => ({ topic, partition: task.partition }))
}

/** A member that the leader left out gets no user data at all. */
function shareOf({ userData }: GroupAssignment): Share {
  return userData.length === 0 ? emptyShare : decodeShare(userData)
}
