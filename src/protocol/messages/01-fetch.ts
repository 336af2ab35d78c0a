import {
  array,
  defineApi,
  int16,
  int32,
  int64,
  int64Big,
  int8,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Reads whole record batches from partitions, waiting up to `maxWaitMs` for `minBytes`.
 *
 * Version 5 adds the log start offset, 7 fetch sessions (KIP-227), 9 leader epochs, 10 allows
 * zstd, 11 reading from the nearest replica (KIP-392), 12 is flexible and detects divergence, 13
 * names topics by id, 15 moves the replica id into a tagged struct, 16 adds the addresses of new
 * leaders, 17 the replica's folder.
 */
export const fetch = defineApi({
  key: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: 17,
  flexibleFrom: 12,
  request: {
    clusterId: string.nullable().since(12).tagged(0),
    replicaId: int32.until(14).default(-1),
    replicaState: struct({ replicaId: int32.default(-1), replicaEpoch: int64.default(-1) })
      .since(15)
      .tagged(1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: int32.since(7),
    sessionEpoch: int32.since(7).default(-1),
    topics: array(
      struct({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(
          struct({
            partition: int32,
            currentLeaderEpoch: int32.since(9).default(-1),
            fetchOffset: int64,
            lastFetchedEpoch: int32.since(12).default(-1),
            logStartOffset: int64.since(5).default(-1),
            partitionMaxBytes: int32,
            replicaDirectoryId: uuid.since(17).tagged(0),
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(
      struct({ topic: string.between(7, 12), topicId: uuid.since(13), partitions: array(int32) }),
    ).since(7),
    rackId: string.since(11),
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16.since(7),
    sessionId: int32.since(7),
    responses: array(
      struct({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            highWatermark: int64,
            lastStableOffset: int64.default(-1),
            logStartOffset: int64.since(5).default(-1),
            divergingEpoch: struct({ epoch: int32.default(-1), endOffset: int64.default(-1) })
              .since(12)
              .tagged(0),
            currentLeader: struct({ leaderId: int32.default(-1), leaderEpoch: int32.default(-1) })
              .since(12)
              .tagged(1),
            snapshotId: struct({ endOffset: int64.default(-1), epoch: int32.default(-1) })
              .since(12)
              .tagged(2),
            abortedTransactions: array(
              struct({ producerId: int64Big, firstOffset: int64 }),
            ).nullable(),
            preferredReadReplica: int32.since(11).default(-1),
            records: records.nullable(),
          }),
        ),
      }),
    ),
    nodeEndpoints: array(
      struct({ nodeId: int32, host: string, port: int32, rack: string.nullable() }),
    )
      .since(16)
      .tagged(0),
  },
})
