/**
 * DescribeGroups: state and members of groups.
 *
 * Versions: 0-5.
 *
 * Behaviour: a group that nobody knows is answered as Dead. What members said and were assigned is told while the group is
 * stable.
 *
 * Differs from Apache Kafka: authorized operations are never computed: there is no authorizer yet.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import type { InferInput } from '../../protocol/schema.ts'
import { type Group, metadataFor, NOTHING } from '../coordinator/group-state.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type GroupAnswer = InferInput<typeof describeGroups.response>['groups'][number]

export const describeGroupsHandler: ApiHandler = apiHandler(
  describeGroups,
  { min: 0, max: 5 },
  async (broker, request) => ({
    groups: await Promise.all(
      request.groups.map(async groupId => {
        const found = await broker.groups.read(groupId, group => describe(groupId, group))
        return typeof found === 'number' ? unknown(groupId, found, '') : found
      }),
    ),
  }),
)

function unknown(groupId: string, code: number, groupState: string): GroupAnswer {
  const nothing = { protocolType: '', protocolData: '', members: [] }
  return { errorCode: code, groupId, groupState, ...nothing }
}

function describe(groupId: string, group: Group | undefined): GroupAnswer {
  if (group === undefined) return unknown(groupId, errorCode.NONE, 'Dead')
  const stable = group.phase === 'Stable'
  return {
    errorCode: errorCode.NONE,
    groupId,
    groupState: group.phase,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? metadataFor(member, group.protocolName) : NOTHING,
      memberAssignment: stable ? member.assignment : NOTHING,
    })),
  }
}
