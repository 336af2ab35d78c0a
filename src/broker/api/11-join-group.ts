/**
 * JoinGroup: takes part in a classic consumer group, and in its rebalance. The answer waits until the members of the new
 * generation are known.
 *
 * Versions: 0-9.
 *
 * Behaviour: see `coordinator/group.ts`. From version 4 a new dynamic member is given an id first (MEMBER_ID_REQUIRED).
 * Version 0 has no rebalance timeout, the session timeout is taken for it.
 *
 * Differs from Apache Kafka: the bounds of the session timeout are wider by default (100 ms to 30 min), and the first
 * members of a group do not wait for more of them unless `groupInitialRebalanceDelayMs` says so. A member that joins with
 * other protocols is measured by those of the other members alone, not by its own former ones, and a static member
 * that restarts finds its place in a group of the largest size too. A group has at most `groupMaxSize` ids reserved.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { joinGroup } from '../../protocol/messages/11-join-group.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const joinGroupHandler: ApiHandler = apiHandler(
  joinGroup,
  { min: 0, max: 9 },
  async (broker, request, context) => {
    const { version, clientId, clientHost } = context
    const mayJoin = broker.authorizer.authorize(context, needed.joinGroup.group, request.groupId)
    if (request.groupId === '' || !mayJoin) {
      return {
        errorCode: mayJoin ? errorCode.INVALID_GROUP_ID : needed.joinGroup.group.refusal,
        protocolName: version >= 7 ? null : '',
        leader: '',
        memberId: request.memberId,
        members: [],
      }
    }
    const result = await broker.groups.join(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      clientId,
      clientHost,
      protocolType: request.protocolType,
      // Copied, because a group outlives the frame that its members came in.
      protocols: request.protocols.map(({ name, metadata }) => ({
        name,
        metadata: Buffer.from(metadata),
      })),
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs:
        request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
      knowsMemberIdRequired: version >= 4,
      knowsSkipAssignment: version >= 9,
    })
    return {
      errorCode: result.errorCode,
      generationId: result.generation,
      protocolType: result.protocolType,
      protocolName: version >= 7 ? result.protocolName : (result.protocolName ?? ''),
      leader: result.leaderId,
      skipAssignment: result.skipAssignment,
      memberId: result.memberId,
      members: result.members.map(({ memberId, instanceId, metadata }) => ({
        memberId,
        groupInstanceId: instanceId,
        metadata,
      })),
    }
  },
)
