import { defineApi, int16, int32, string } from '../schema.ts'

/**
 * Keeps a member's session alive and tells it of a rebalance. Version 3 adds static members, 4 is
 * flexible.
 */
export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.nullable().since(3),
  },
  response: { throttleTimeMs: int32.since(1).default(0), errorCode: int16 },
})
