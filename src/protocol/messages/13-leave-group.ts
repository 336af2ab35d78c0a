import { array, defineApi, int16, int32, string, struct } from '../schema.ts'

/**
 * Removes members from a group. Version 3 names several members, static ones by instance id; 4 is
 * flexible, 5 adds the reason.
 */
export const leaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 4,
  request: {
    groupId: string,
    memberId: string.until(2),
    members: array(
      struct({
        memberId: string,
        groupInstanceId: string.nullable(),
        reason: string.nullable().since(5),
      }),
    ).since(3),
  },
  response: {
    throttleTimeMs: int32.since(1).default(0),
    errorCode: int16,
    members: array(
      struct({ memberId: string, groupInstanceId: string.nullable(), errorCode: int16 }),
    ).since(3),
  },
})
