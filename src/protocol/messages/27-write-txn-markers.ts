import { array, bool, defineApi, int16, int32, int64Big, string, struct } from '../schema.ts'

/**
 * Writes the end-of-transaction markers into partitions: from the coordinator to the leaders, and
 * for tools that end a hanging transaction (KIP-664).
 */
export const writeTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  minVersion: 1,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    markers: array(
      struct({
        producerId: int64Big,
        producerEpoch: int16,
        transactionResult: bool,
        topics: array(struct({ name: string, partitionIndexes: array(int32) })),
        coordinatorEpoch: int32,
      }),
    ),
  },
  response: {
    markers: array(
      struct({
        producerId: int64Big,
        topics: array(
          struct({
            name: string,
            partitions: array(struct({ partitionIndex: int32, errorCode: int16 })),
          }),
        ),
      }),
    ),
  },
})
