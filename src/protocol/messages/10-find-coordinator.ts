import { array, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Finds the broker that coordinates a group (`keyType` 0) or a transactional id (1).
 *
 * Version 3 is flexible, 4 asks for several keys at once, 5 allows TRANSACTION_ABORTABLE.
 */
export const findCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    key: string.until(3),
    keyType: int8.since(1),
    coordinatorKeys: array(string).since(4),
  },
  response: {
    throttleTimeMs: int32.since(1).default(0),
    errorCode: int16.until(3),
    errorMessage: string.nullable().between(1, 3).default(null),
    nodeId: int32.until(3).default(-1),
    host: string.until(3),
    port: int32.until(3).default(-1),
    coordinators: array(
      struct({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
      }),
    ).since(4),
  },
})
