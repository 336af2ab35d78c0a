import { unaskedOperations } from '../authorized-operations.ts'
import { array, bool, defineApi, int16, int32, int8, string, struct, uuid } from '../schema.ts'

/**
 * State and members of groups under the new protocol (KIP-848). Version 1 tells classic members
 * from new ones.
 */
export const consumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request: { groupIds: array(string), includeAuthorizedOperations: bool },
  response: {
    throttleTimeMs: int32.default(0),
    groups: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        groupId: string,
        groupState: string,
        groupEpoch: int32,
        assignmentEpoch: int32,
        assignorName: string,
        members: array(
          struct({
            memberId: string,
            instanceId: string.nullable(),
            rackId: string.nullable(),
            memberEpoch: int32,
            clientId: string,
            clientHost: string,
            subscribedTopicNames: array(string),
            subscribedTopicRegex: string.nullable(),
            assignment: struct({
              topicPartitions: array(
                struct({ topicId: uuid, topicName: string, partitions: array(int32) }),
              ),
            }),
            targetAssignment: struct({
              topicPartitions: array(
                struct({ topicId: uuid, topicName: string, partitions: array(int32) }),
              ),
            }),
            memberType: int8.since(1).default(-1),
          }),
        ),
        authorizedOperations: int32.default(unaskedOperations),
      }),
    ),
  },
})
