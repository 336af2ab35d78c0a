/** A group as one record, and back. Only what a generation consists of is kept: who waits and until when is not. */
import type { InferInput } from '../../protocol/schema.ts'
import type { groupMetadataValue } from '../../protocol/internal-topics.ts'
import { type Group, metadataFor, newGroup, type GroupSettings } from './group-state.ts'
import type { GroupValue } from './offset-records.ts'

export function snapshotOf(group: Group): InferInput<typeof groupMetadataValue> {
  return {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: group.protocolName,
    leader: group.leaderId,
    currentStateTimestamp: group.phaseSinceMs,
    members: [...group.members.values()].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: metadataFor(member, group.protocolName),
      assignment: member.assignment,
    })),
  }
}

/** All members get their whole session again: nobody could send heartbeats while the coordinator was away. */
export function restoreGroup(
  groupId: string,
  value: GroupValue,
  settings: GroupSettings,
  nowMs: number,
): Group {
  const group = newGroup(groupId, settings)
  group.protocolType = value.protocolType === '' ? null : value.protocolType
  group.generation = value.generation
  group.protocolName = value.protocol
  group.leaderId = value.leader
  group.phase = value.members.length === 0 ? 'Empty' : 'Stable'
  group.phaseSinceMs = value.currentStateTimestamp
  for (const member of value.members) {
    group.members.set(member.memberId, {
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      sessionTimeoutMs: member.sessionTimeout,
      rebalanceTimeoutMs: member.rebalanceTimeout,
      protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(member.subscription) }],
      assignment: Buffer.from(member.assignment),
      sessionDeadlineMs: nowMs + member.sessionTimeout,
      isNew: false,
      mustSync: false,
      joining: null,
      syncing: null,
    })
    if (member.groupInstanceId !== null) {
      group.instances.set(member.groupInstanceId, member.memberId)
    }
  }
  return group
}
