import { array, defineApi, int16, int32, int64, int8, string, struct } from '../schema.ts'

/**
 * Offsets by time. A `timestamp` of -1 asks for the end, -2 for the start, -3 for the record with
 * the largest timestamp (version 7), -4 for the start of what is stored locally (8), -5 for the
 * end of what is tiered (9).
 *
 * Version 2 adds isolation level, 4 leader epochs, 6 is flexible, 10 adds a timeout.
 */
export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  minVersion: 1,
  maxVersion: 10,
  flexibleFrom: 6,
  request: {
    replicaId: int32,
    isolationLevel: int8.since(2),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            currentLeaderEpoch: int32.since(4).default(-1),
            timestamp: int64,
          }),
        ),
      }),
    ),
    timeoutMs: int32.since(10),
  },
  response: {
    throttleTimeMs: int32.since(2).default(0),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            timestamp: int64.default(-1),
            offset: int64.default(-1),
            leaderEpoch: int32.since(4).default(-1),
          }),
        ),
      }),
    ),
  },
})
