import { array, defineApi, int16, int32, int64, int64Big, string, struct } from '../schema.ts'

/**
 * Stores a group's offsets as part of the open transaction. From version 3 (flexible) with the
 * member's generation, which fences zombies (KIP-447); 4 allows TRANSACTION_ABORTABLE, 5 adds the
 * offsets partition implicitly (KIP-890).
 */
export const txnOffsetCommit = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64Big,
    producerEpoch: int16,
    generationIdOrMemberEpoch: int32.since(3).default(-1),
    memberId: string.since(3),
    groupInstanceId: string.nullable().since(3),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.since(2).default(-1),
            committedMetadata: string.nullable(),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32.default(0),
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ partitionIndex: int32, errorCode: int16 })),
      }),
    ),
  },
})
