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
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const heartbeatHandler: ApiHandler = apiHandler(
  heartbeat,
  { min: 0, max: 4 },
  async (broker, { groupId, generationId, memberId, groupInstanceId }) => ({
    errorCode:
      groupId === ''
        ? errorCode.INVALID_GROUP_ID
        : await broker.groups.heartbeat(groupId, {
            memberId,
            instanceId: groupInstanceId,
            generation: generationId,
          }),
  }),
)
