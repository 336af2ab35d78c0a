import { defineApi, int16, int32, int64Big, string } from '../schema.ts'

/**
 * Adds a group's offsets partition to the open transaction. Version 3 is flexible, 4 allows
 * TRANSACTION_ABORTABLE.
 */
export const addOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: { transactionalId: string, producerId: int64Big, producerEpoch: int16, groupId: string },
  response: { throttleTimeMs: int32.default(0), errorCode: int16 },
})
