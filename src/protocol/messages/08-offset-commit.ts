import { array, defineApi, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Stores a group's offsets. A generation below 0 commits for a group without members (simple
 * group).
 *
 * Versions 2 to 4 carry a retention time, 6 adds leader epochs, 7 static members, 8 is flexible, 9
 * serves the new group protocol (KIP-848).
 */
export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  minVersion: 2,
  maxVersion: 9,
  flexibleFrom: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: int32.default(-1),
    memberId: string,
    groupInstanceId: string.nullable().since(7),
    retentionTimeMs: int64.until(4).default(-1),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.since(6).default(-1),
            committedMetadata: string.nullable(),
          }),
        ),
      }),
    ),
  },
  response: {
    throttleTimeMs: int32.since(3).default(0),
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ partitionIndex: int32, errorCode: int16 })),
      }),
    ),
  },
})
