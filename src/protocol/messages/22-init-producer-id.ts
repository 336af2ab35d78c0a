import { defineApi, int16, int32, int64Big, string } from '../schema.ts'

/**
 * Gives a producer its id and epoch and, with a transactional id, ends what its predecessor left
 * open.
 *
 * Version 2 is flexible, 3 can ask to bump a known id's epoch (KIP-360), 4 allows PRODUCER_FENCED,
 * 5 TRANSACTION_ABORTABLE.
 */
export const initProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 2,
  request: {
    transactionalId: string.nullable(),
    transactionTimeoutMs: int32,
    producerId: int64Big.since(3).default(-1n),
    producerEpoch: int16.since(3).default(-1),
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    producerId: int64Big.default(-1n),
    producerEpoch: int16.default(-1),
  },
})
