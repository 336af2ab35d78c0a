import { array, defineApi, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * End of a leader epoch: how a follower or consumer finds where its log diverged (KIP-101,
 * KIP-320). Version 4 is flexible.
 */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  minVersion: 2,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    replicaId: int32.since(3).default(-2),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct({ partition: int32, currentLeaderEpoch: int32.default(-1), leaderEpoch: int32 }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32.default(0),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct({
            errorCode: int16,
            partition: int32,
            leaderEpoch: int32.default(-1),
            endOffset: int64.default(-1),
          }),
        ),
      }),
    ),
  },
})
