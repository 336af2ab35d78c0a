import { array, bool, bytes, defineApi, int16, int32, string, struct } from '../schema.ts'

/**
 * Joins a group under the classic protocol or takes part in its rebalance; the answer waits until
 * the members are known.
 *
 * Version 1 adds the rebalance timeout, 4 hands out member ids first (MEMBER_ID_REQUIRED), 5
 * static members, 6 is flexible, 7 names the protocol type, 8 the reason, 9 lets a static leader
 * skip the assignment.
 */
export const joinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 6,
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32.since(1).default(-1),
    memberId: string,
    groupInstanceId: string.nullable().since(5),
    protocolType: string,
    protocols: array(struct({ name: string, metadata: bytes })),
    reason: string.nullable().since(8),
  },
  response: {
    throttleTimeMs: int32.since(2).default(0),
    errorCode: int16,
    generationId: int32.default(-1),
    protocolType: string.nullable().since(7),
    protocolName: string.nullable(7),
    leader: string,
    skipAssignment: bool.since(9),
    memberId: string,
    members: array(
      struct({ memberId: string, groupInstanceId: string.nullable().since(5), metadata: bytes }),
    ),
  },
})
