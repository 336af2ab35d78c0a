import { bool, defineApi, int16, int32, int64Big, string } from '../schema.ts'

/**
 * Commits or aborts the open transaction. Version 3 is flexible, 4 allows TRANSACTION_ABORTABLE, 5
 * bumps the epoch with every transaction and returns it (KIP-890).
 */
export const endTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: { transactionalId: string, producerId: int64Big, producerEpoch: int16, committed: bool },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    producerId: int64Big.since(5).default(-1n),
    producerEpoch: int16.since(5).default(-1),
  },
})
