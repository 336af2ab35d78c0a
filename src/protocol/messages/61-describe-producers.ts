import { array, defineApi, int16, int32, int64, int64Big, string, struct } from '../schema.ts'

/**
 * The producers that partitions remember, for finding hanging transactions (KIP-664).
 */
export const describeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: { topics: array(struct({ name: string, partitionIndexes: array(int32) })) },
  response: {
    throttleTimeMs: int32.default(0),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            errorMessage: string.nullable().default(null),
            activeProducers: array(
              struct({
                producerId: int64Big,
                producerEpoch: int32,
                lastSequence: int32.default(-1),
                lastTimestamp: int64.default(-1),
                coordinatorEpoch: int32,
                currentTxnStartOffset: int64.default(-1),
              }),
            ),
          }),
        ),
      }),
    ),
  },
})
