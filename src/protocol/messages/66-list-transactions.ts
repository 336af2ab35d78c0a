import { array, defineApi, int16, int32, int64, int64Big, string, struct } from '../schema.ts'

/**
 * The transactions that this broker coordinates, by state and producer (KIP-664). Version 1
 * filters by duration (KIP-994).
 */
export const listTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request: {
    stateFilters: array(string),
    producerIdFilters: array(int64Big),
    durationFilter: int64.since(1).default(-1),
  },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array(
      struct({ transactionalId: string, producerId: int64Big, transactionState: string }),
    ),
  },
})
