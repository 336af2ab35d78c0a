import { array, defineApi, int16, int32, int64, records, string, struct } from '../schema.ts'

/**
 * Appends record batches to partitions. One batch of format v2 per partition; `acks` 0, 1 or -1
 * (all in-sync replicas); with 0 the broker sends no response.
 *
 * Version 5 adds the log start offset, 8 errors per record, 9 is flexible, 10 names the new leader
 * (KIP-951), 11 allows TRANSACTION_ABORTABLE, 12 adds partitions to the transaction implicitly
 * (KIP-890).
 */
export const produce = defineApi({
  key: 0,
  name: 'Produce',
  minVersion: 3,
  maxVersion: 12,
  flexibleFrom: 9,
  request: {
    transactionalId: string.nullable(),
    acks: int16,
    timeoutMs: int32,
    topicData: array(
      struct({
        name: string,
        partitionData: array(struct({ index: int32, records: records.nullable() })),
      }),
    ),
  },
  response: {
    responses: array(
      struct({
        name: string,
        partitionResponses: array(
          struct({
            index: int32,
            errorCode: int16,
            baseOffset: int64,
            logAppendTimeMs: int64.default(-1),
            logStartOffset: int64.since(5).default(-1),
            recordErrors: array(
              struct({ batchIndex: int32, batchIndexErrorMessage: string.nullable() }),
            ).since(8),
            errorMessage: string.nullable().since(8).default(null),
            currentLeader: struct({ leaderId: int32.default(-1), leaderEpoch: int32.default(-1) })
              .since(10)
              .tagged(0),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32.default(0),
    nodeEndpoints: array(
      struct({ nodeId: int32, host: string, port: int32, rack: string.nullable() }),
    )
      .since(10)
      .tagged(0),
  },
})
