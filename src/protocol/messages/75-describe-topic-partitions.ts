import { unaskedOperations } from '../authorized-operations.ts'
import { array, bool, defineApi, int16, int32, string, struct, uuid } from '../schema.ts'

/**
 * Partitions of topics in pages (KIP-966): a cursor that is not null goes on from there.
 */
export const describeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: {
    topics: array(struct({ name: string })),
    responsePartitionLimit: int32,
    cursor: struct({ topicName: string, partitionIndex: int32 }).nullable(),
  },
  response: {
    throttleTimeMs: int32.default(0),
    topics: array(
      struct({
        errorCode: int16,
        name: string.nullable(),
        topicId: uuid,
        isInternal: bool,
        partitions: array(
          struct({
            errorCode: int16,
            partitionIndex: int32,
            leaderId: int32,
            leaderEpoch: int32.default(-1),
            replicaNodes: array(int32),
            isrNodes: array(int32),
            eligibleLeaderReplicas: array(int32).nullable(),
            lastKnownElr: array(int32).nullable(),
            offlineReplicas: array(int32),
          }),
        ),
        topicAuthorizedOperations: int32.default(unaskedOperations),
      }),
    ),
    nextCursor: struct({ topicName: string, partitionIndex: int32 }).nullable(),
  },
})
