/**
 * LeaveGroup: ends the membership of one member, or from version 3 of several; the others rebalance.
 *
 * Versions: 0-5.
 *
 * Behaviour: an administrator may name a static member by its instance id alone.
 *
 * Differs from Apache Kafka: the reason of version 5 is not logged.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { leaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const leaveGroupHandler: ApiHandler = apiHandler(
  leaveGroup,
  { min: 0, max: 5 },
  async (broker, { groupId, memberId, members }, context) => {
    const { version } = context
    const { group } = needed.leaveGroup
    if (!broker.authorizer.authorize(context, group, groupId)) {
      return { errorCode: group.refusal, members: [] }
    }
    if (groupId === '') return { errorCode: errorCode.INVALID_GROUP_ID, members: [] }
    const leaving = version < 3 ? [{ memberId, groupInstanceId: null }] : members
    const codes = await broker.groups.leave(groupId, {
      members: leaving.map(member => ({
        memberId: member.memberId,
        instanceId: member.groupInstanceId,
      })),
    })
    if (typeof codes === 'number') return { errorCode: codes, members: [] }
    if (version < 3) return { errorCode: codes[0] ?? errorCode.NONE }
    return {
      errorCode: errorCode.NONE,
      members: members.map((member, index) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        errorCode: codes[index] ?? errorCode.NONE,
      })),
    }
  },
)
