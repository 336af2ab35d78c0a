import { array, bool, defineApi, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Folders and sizes of partitions. Version 2 is flexible, 3 adds an error for the whole request, 4
 * the volume's size.
 */
export const describeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 2,
  request: { topics: array(struct({ topic: string, partitions: array(int32) })).nullable() },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16.since(3),
    results: array(
      struct({
        errorCode: int16,
        logDir: string,
        topics: array(
          struct({
            name: string,
            partitions: array(
              struct({
                partitionIndex: int32,
                partitionSize: int64,
                offsetLag: int64,
                isFutureKey: bool,
              }),
            ),
          }),
        ),
        totalBytes: int64.since(4).default(-1),
        usableBytes: int64.since(4).default(-1),
      }),
    ),
  },
})
