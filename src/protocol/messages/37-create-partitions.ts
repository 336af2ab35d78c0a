import { array, bool, defineApi, int16, int32, string, struct } from '../schema.ts'

/**
 * Raises the number of partitions; `count` is the new total. Version 2 is flexible, 3 allows
 * THROTTLING_QUOTA_EXCEEDED.
 */
export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    topics: array(
      struct({
        name: string,
        count: int32,
        assignments: array(struct({ brokerIds: array(int32) })).nullable(),
      }),
    ),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32.default(0),
    results: array(
      struct({ name: string, errorCode: int16, errorMessage: string.nullable().default(null) }),
    ),
  },
})
