import { array, defineApi, int16, int32, string, struct, uuid } from '../schema.ts'

/**
 * The one request of a member under the new group protocol (KIP-848): it reports what it has and
 * learns its share. Null means unchanged. Version 1 adds subscription by regular expression.
 */
export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    instanceId: string.nullable(),
    rackId: string.nullable(),
    rebalanceTimeoutMs: int32.default(-1),
    subscribedTopicNames: array(string).nullable(),
    subscribedTopicRegex: string.nullable().since(1),
    serverAssignor: string.nullable(),
    topicPartitions: array(struct({ topicId: uuid, partitions: array(int32) })).nullable(),
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    memberId: string.nullable(),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: struct({
      topicPartitions: array(struct({ topicId: uuid, partitions: array(int32) })),
    }).nullable(),
  },
})
