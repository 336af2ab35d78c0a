/**
 * Heartbeat: a member is alive, and learns whether its group rebalances.
 *
 * Versions: 0-4.
 *
 * Behaviour: REBALANCE_IN_PROGRESS while members are gathered; the member must join again.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const heartbeatHandler: ApiHandler = apiHandler(
  heartbeat,
  { min: 0, max: 4 },
  async (broker, { groupId, generationId, memberId, groupInstanceId }, context) => {
    const { group } = needed.heartbeat
    if (!broker.authorizer.authorize(context, group, groupId)) return { errorCode: group.refusal }
    if (groupId === '') return { errorCode: errorCode.INVALID_GROUP_ID }
    return {
      errorCode: await broker.groups.heartbeat(groupId, {
        memberId,
        instanceId: groupInstanceId,
        generation: generationId,
      }),
    }
  },
)
