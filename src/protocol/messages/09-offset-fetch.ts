import { array, bool, defineApi, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Reads what groups have committed. From version 2 null topics ask for all; 5 adds leader epochs,
 * 6 is flexible, 7 can wait out open transactions (`requireStable`, KIP-447), 8 asks for several
 * groups at once, 9 adds the member (KIP-848).
 */
export const offsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  minVersion: 1,
  maxVersion: 9,
  flexibleFrom: 6,
  request: {
    groupId: string.until(7),
    topics: array(struct({ name: string, partitionIndexes: array(int32) }))
      .nullable(2)
      .until(7),
    groups: array(
      struct({
        groupId: string,
        memberId: string.nullable().since(9),
        memberEpoch: int32.since(9).default(-1),
        topics: array(struct({ name: string, partitionIndexes: array(int32) })).nullable(),
      }),
    ).since(8),
    requireStable: bool.since(7),
  },
  response: {
    throttleTimeMs: int32.since(3).default(0),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.since(5).default(-1),
            metadata: string.nullable(),
            errorCode: int16,
          }),
        ),
      }),
    ).until(7),
    errorCode: int16.between(2, 7),
    groups: array(
      struct({
        groupId: string,
        topics: array(
          struct({
            name: string,
            partitions: array(
              struct({
                partitionIndex: int32,
                committedOffset: int64,
                committedLeaderEpoch: int32.default(-1),
                metadata: string.nullable(),
                errorCode: int16,
              }),
            ),
          }),
        ),
        errorCode: int16,
      }),
    ).since(8),
  },
})
