import { array, bool, defineApi, int16, int32, int8, string, struct, uuid } from '../schema.ts'

/**
 * Creates topics. -1 partitions or replicas take the broker's default (version 4); `assignments`
 * places replicas by hand.
 *
 * Version 5 is flexible and returns the configuration (KIP-525), 7 the topic id.
 */
export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  minVersion: 2,
  maxVersion: 7,
  flexibleFrom: 5,
  request: {
    topics: array(
      struct({
        name: string,
        numPartitions: int32,
        replicationFactor: int16,
        assignments: array(struct({ partitionIndex: int32, brokerIds: array(int32) })),
        configs: array(struct({ name: string, value: string.nullable() })),
      }),
    ),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32.default(0),
    topics: array(
      struct({
        name: string,
        topicId: uuid.since(7),
        errorCode: int16,
        errorMessage: string.nullable().default(null),
        topicConfigErrorCode: int16.since(5).tagged(0),
        numPartitions: int32.since(5).default(-1),
        replicationFactor: int16.since(5).default(-1),
        configs: array(
          struct({
            name: string,
            value: string.nullable(),
            readOnly: bool,
            configSource: int8,
            isSensitive: bool,
          }),
        )
          .nullable()
          .since(5),
      }),
    ),
  },
})
