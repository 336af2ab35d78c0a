import { array, defineApi, int16, int32, int64Big, string, struct } from '../schema.ts'

/**
 * Adds partitions to the open transaction. Version 3 is flexible; later versions, batched, are for
 * brokers only.
 */
export const addPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request: {
    transactionalId: string,
    producerId: int64Big,
    producerEpoch: int16,
    topics: array(struct({ name: string, partitions: array(int32) })),
  },
  response: {
    throttleTimeMs: int32.default(0),
    results: array(
      struct({
        name: string,
        resultsByPartition: array(struct({ partitionIndex: int32, partitionErrorCode: int16 })),
      }),
    ),
  },
})
