import { array, bytes, defineApi, int16, int32, string, struct } from '../schema.ts'

/**
 * Distributes the leader's assignment. Version 3 adds static members, 4 is flexible, 5 checks
 * protocol type and name.
 */
export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.nullable().since(3),
    protocolType: string.nullable().since(5),
    protocolName: string.nullable().since(5),
    assignments: array(struct({ memberId: string, assignment: bytes })),
  },
  response: {
    throttleTimeMs: int32.since(1).default(0),
    errorCode: int16,
    protocolType: string.nullable().since(5),
    protocolName: string.nullable().since(5),
    assignment: bytes,
  },
})
