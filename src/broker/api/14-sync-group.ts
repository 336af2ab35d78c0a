/**
 * SyncGroup: the leader brings the assignment of a generation, everybody gets their own share.
 *
 * Versions: 0-5.
 *
 * Behaviour: a follower waits until the leader has come. The generation is written to the topic of committed offsets and
 * durable before anybody is answered.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { syncGroup } from '../../protocol/messages/14-sync-group.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const syncGroupHandler: ApiHandler = apiHandler(
  syncGroup,
  { min: 0, max: 5 },
  async (broker, request, context) => {
    const { group } = needed.syncGroup
    if (!broker.authorizer.authorize(context, group, request.groupId)) {
      return { errorCode: group.refusal, assignment: Buffer.alloc(0) }
    }
    if (request.groupId === '') {
      return { errorCode: errorCode.INVALID_GROUP_ID, assignment: Buffer.alloc(0) }
    }
    return broker.groups.sync(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      // Copied, because a group outlives the frame that its assignment came in.
      assignments: request.assignments.map(({ memberId, assignment }) => ({
        memberId,
        assignment: Buffer.from(assignment),
      })),
    })
  },
)
