import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
} from '../protocol/consumer-protocol.ts'
import type { joinGroup } from '../protocol/messages/11-join-group.ts'
import type { Infer } from '../protocol/schema.ts'
import type { GroupAssignment, GroupMemberInfo } from './log-client.ts'
import { byTopic } from './partition-map.ts'

const noUserData = Buffer.alloc(0)

/** What the leader learns of a member from the answer to JoinGroup. */
export function memberInfo({
  memberId,
  groupInstanceId: instanceId,
  metadata,
}: Infer<typeof joinGroup.response>['members'][number]): GroupMemberInfo {
  const { topics, userData, generationId: generation } = decodeSubscription(metadata)
  return { memberId, instanceId, generation, topics, userData: userData ?? noUserData }
}

/** The shares as they travel in SyncGroup. */
export function encodeShares(
  shares: readonly GroupAssignment[],
): { memberId: string; assignment: Buffer }[] {
  return shares.map(({ memberId, partitions, userData }) => ({
    memberId,
    assignment: encodeAssignment({
      assignedPartitions: [...byTopic(partitions)].map(([topic, entries]) => ({
        topic,
        partitions: entries.map(entry => entry.partition),
      })),
      userData,
    }),
  }))
}

export function decodeShare(memberId: string, bytes: Buffer): GroupAssignment {
  // Empty when the leader left this member out.
  if (bytes.length === 0) return { memberId, partitions: [], userData: noUserData }
  const { assignedPartitions, userData } = decodeAssignment(bytes)
  const partitions = assignedPartitions.flatMap(({ topic, partitions: indexes }) =>
    indexes.map(partition => ({ topic, partition })),
  )
  return { memberId, partitions, userData: userData ?? noUserData }
}
