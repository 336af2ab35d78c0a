/** What an administrator does with a group, without being a member of it. */
import { MillraceError } from '../errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { offsetCommit } from '../protocol/messages/08-offset-commit.ts'
import { leaveGroup } from '../protocol/messages/13-leave-group.ts'
import { describeGroups } from '../protocol/messages/15-describe-groups.ts'
import type { ClientCore } from './client-core.ts'
import { retryingCall } from './client-core.ts'
import { Coordinator } from './coordinator.ts'
import { logError } from './errors.ts'
import type { CommittedOffset, GroupDescription } from './log-client.ts'
import { byTopic } from './partition-map.ts'

export function describeGroup(core: ClientCore, group: string): Promise<GroupDescription> {
  const coordinator = coordinatorOf(core, group)
  return retryingCall(core, 'describing a group', async () => {
    const request = { groups: [group], includeAuthorizedOperations: false }
    const { groups } = await coordinator.request(describeGroups, request)
    const [found] = groups
    if (found === undefined) {
      throw new MillraceError(
        'PROTOCOL_ERROR',
        `The broker left group '${group}' out of its description.`,
      )
    }
    answered(coordinator, found.errorCode, `Group '${group}' could not be described`)
    return {
      state: found.groupState,
      members: found.members.map(({ memberId, groupInstanceId, clientId, clientHost }) => ({
        memberId,
        instanceId: groupInstanceId,
        clientId,
        clientHost,
      })),
    }
  })
}

export async function commitGroupOffsets(
  core: ClientCore,
  group: string,
  offsets: readonly CommittedOffset[],
): Promise<void> {
  if (offsets.length === 0) return
  const coordinator = coordinatorOf(core, group)
  const topics = [...byTopic(offsets)].map(([name, entries]) => ({
    name,
    partitions: entries.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }))
  await retryingCall(core, 'committing offsets of a group', async () => {
    const response = await coordinator.request(offsetCommit, {
      groupId: group,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics,
    })
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode: code } of partitions) {
        if (code === errorCode.UNKNOWN_MEMBER_ID) throw notEmpty(group)
        const partition = `${name}-${partitionIndex}`
        const failure = `The offset of group '${group}' for ${partition} could not be committed`
        answered(coordinator, code, failure)
      }
    }
  })
}

export async function removeMembers(core: ClientCore, group: string): Promise<void> {
  const coordinator = coordinatorOf(core, group)
  await retryingCall(core, 'removing members of a group', async () => {
    const { members } = await describeGroup(core, group)
    if (members.length === 0) return
    const response = await coordinator.request(leaveGroup, {
      groupId: group,
      // Before version 3 a request had one member.
      memberId: members[0]?.memberId ?? '',
      members: members.map(({ memberId, instanceId }) => ({
        memberId,
        groupInstanceId: instanceId,
        reason: null,
      })),
    })
    for (const { errorCode: code } of [response, ...response.members]) {
      if (code === errorCode.UNKNOWN_MEMBER_ID) continue
      answered(coordinator, code, `The members of group '${group}' could not be removed`)
    }
  })
}

const coordinatorOf = ({ cluster, connections }: ClientCore, group: string): Coordinator =>
  new Coordinator('group', group, cluster, connections)

function answered(coordinator: Coordinator, code: number, failure: string): void {
  coordinator.heed(code)
  if (code !== errorCode.NONE) throw logError(code, failure)
}

const notEmpty = (group: string): MillraceError =>
  new MillraceError(
    'GROUP_NOT_EMPTY',
    `Offsets of group '${group}' can only be set while it has no members. Stop them; one that was killed is missed ` +
      `after its session timeout.`,
  )
