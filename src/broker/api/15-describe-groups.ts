/**
 * DescribeGroups: state and members of groups.
 *
 * Versions: 0-5.
 *
 * Behaviour: a group that nobody knows is answered as Dead. What members said and were assigned is told while the group is
 * stable.
 *
 * Differs from Apache Kafka: a group that is named twice is told once.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeGroups } from '../../protocol/messages/15-describe-groups.ts'
import type { InferInput } from '../../protocol/schema.ts'
import { type Group, metadataFor, NOTHING } from '../coordinator/group-state.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { eachOnce } from './each-once.ts'

type GroupAnswer = InferInput<typeof describeGroups.response>['groups'][number]

export const describeGroupsHandler: ApiHandler = apiHandler(
  describeGroups,
  { min: 0, max: 5 },
  async (broker, request, context) => ({
    groups: await Promise.all(
      eachOnce(request.groups, groupId => groupId).map(async groupId => {
        const { authorizer } = broker
        const { group: permission } = needed.describeGroups
        if (!authorizer.authorize(context, permission, groupId)) {
          return unknown(groupId, permission.refusal, '')
        }
        const found = await broker.groups.read(groupId, group => describe(groupId, group))
        if (typeof found === 'number') return unknown(groupId, found, '')
        if (!request.includeAuthorizedOperations) return found
        return {
          ...found,
          authorizedOperations: authorizer.operations(context, 'Group', groupId),
        }
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
