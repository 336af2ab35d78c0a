import { array, defineApi, int16, int32, int64, int64Big, string, struct } from '../schema.ts'

/**
 * State of transactions by transactional id (KIP-664).
 */
export const describeTransactions = defineApi({
  key: 65,
  name: 'DescribeTransactions',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: { transactionalIds: array(string) },
  response: {
    throttleTimeMs: int32.default(0),
    transactionStates: array(
      struct({
        errorCode: int16,
        transactionalId: string,
        transactionState: string,
        transactionTimeoutMs: int32,
        transactionStartTimeMs: int64,
        producerId: int64Big,
        producerEpoch: int16,
        topics: array(struct({ topic: string, partitions: array(int32) })),
      }),
    ),
  },
})
