import { array, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Asks for a leader election (0 preferred, 1 unclean), null for all partitions. Version 2 is
 * flexible.
 */
export const electLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    electionType: int8.since(1),
    topicPartitions: array(struct({ topic: string, partitions: array(int32) })).nullable(),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16.since(1),
    replicaElectionResults: array(
      struct({
        topic: string,
        partitionResult: array(
          struct({
            partitionId: int32,
            errorCode: int16,
            errorMessage: string.nullable().default(null),
          }),
        ),
      }),
    ),
  },
})
