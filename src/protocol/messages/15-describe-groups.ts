import { unaskedOperations } from '../authorized-operations.ts'
import { array, bool, bytes, defineApi, int16, int32, string, struct } from '../schema.ts'

/**
 * State and members of groups. Version 3 adds authorized operations, 4 instance ids, 5 is
 * flexible.
 */
export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 5,
  request: { groups: array(string), includeAuthorizedOperations: bool.since(3) },
  response: {
    throttleTimeMs: int32.since(1).default(0),
    groups: array(
      struct({
        errorCode: int16,
        groupId: string,
        groupState: string,
        protocolType: string,
        protocolData: string,
        members: array(
          struct({
            memberId: string,
            groupInstanceId: string.nullable().since(4),
            clientId: string,
            clientHost: string,
            memberMetadata: bytes,
            memberAssignment: bytes,
          }),
        ),
        authorizedOperations: int32.since(3).default(unaskedOperations),
      }),
    ),
  },
})
