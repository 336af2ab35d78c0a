import {
  array,
  bytes,
  int16,
  int32,
  int64,
  int64Big,
  int8,
  message,
  string,
  struct,
  uuid,
} from './schema.ts'

/**
 * Records of the topics in which coordinators keep their state, in Kafka's own layout so that its tools can read them.
 * Each key and value is led by its version (`versioned.ts`); a null value deletes what the key holds. The version of a
 * key is its kind: in `__consumer_offsets` 0 and 1 are offsets, 2 is a group.
 *
 * Kafka: OffsetCommitKey.json, OffsetCommitValue.json, GroupMetadataKey.json, GroupMetadataValue.json,
 * TransactionLogKey.json, TransactionLogValue.json.
 */
export const consumerOffsetsTopic = '__consumer_offsets'
export const transactionStateTopic = '__transaction_state'

/** Written in version 1. */
export const offsetCommitKey = message(
  'offset commit key',
  { minVersion: 0, maxVersion: 1, flexibleFrom: null },
  { group: string, topic: string, partition: int32 },
)

/** Written in version 3: 1 is for commits that expire at a time of their own, 4 adds the topic id. */
export const offsetCommitValue = message(
  'offset commit value',
  { minVersion: 0, maxVersion: 4, flexibleFrom: 4 },
  {
    offset: int64,
    leaderEpoch: int32.since(3).default(-1),
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: int64.between(1, 1).default(-1),
    topicId: uuid.since(4).tagged(0),
  },
)

export const groupMetadataKey = message(
  'group metadata key',
  { minVersion: 2, maxVersion: 2, flexibleFrom: null },
  { group: string },
)

/** One record holds the whole group as of a completed rebalance. Written in version 3. */
export const groupMetadataValue = message(
  'group metadata value',
  { minVersion: 0, maxVersion: 4, flexibleFrom: 4 },
  {
    protocolType: string,
    generation: int32,
    protocol: string.nullable(),
    leader: string.nullable(),
    currentStateTimestamp: int64.since(2).default(-1),
    members: array(
      struct({
        memberId: string,
        groupInstanceId: string.nullable().since(3),
        clientId: string,
        clientHost: string,
        rebalanceTimeout: int32.since(1).default(-1),
        sessionTimeout: int32,
        subscription: bytes,
        assignment: bytes,
      }),
    ),
  },
)

export const transactionKey = message(
  'transaction key',
  { minVersion: 0, maxVersion: 0, flexibleFrom: null },
  { transactionalId: string },
)

/** States: 0 empty, 1 ongoing, 2 prepare commit, 3 prepare abort, 4 complete commit, 5 complete abort. */
export const transactionValue = message(
  'transaction value',
  { minVersion: 0, maxVersion: 1, flexibleFrom: 1 },
  {
    producerId: int64Big,
    previousProducerId: int64Big.since(1).tagged(0).default(-1n),
    nextProducerId: int64Big.since(1).tagged(1).default(-1n),
    producerEpoch: int16,
    transactionTimeoutMs: int32,
    transactionStatus: int8,
    transactionPartitions: array(struct({ topic: string, partitionIds: array(int32) })).nullable(),
    lastUpdateTimestamp: int64,
    startTimestamp: int64,
    clientTransactionVersion: int16.since(1).tagged(2),
  },
)
