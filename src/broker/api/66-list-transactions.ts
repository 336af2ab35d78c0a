/**
 * ListTransactions: all transactional ids that the coordinator knows, by state, producer and duration.
 *
 * Versions: 0-1.
 *
 * Behaviour: ids that the client may not describe are left out. An empty filter lets everything pass. Filters for states that do not exist are named in the answer.
 *
 * Differs from Apache Kafka: `durationFilter` (from version 1) lists only what is running for longer; Kafka lists ids without
 * a transaction too.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { listTransactions } from '../../protocol/messages/66-list-transactions.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const listTransactionsHandler: ApiHandler = apiHandler(
  listTransactions,
  { min: 0, max: 1 },
  async (broker, { stateFilters, producerIdFilters, durationFilter }, context) => {
    const producerIds = new Set(producerIdFilters)
    const startedBefore =
      durationFilter < 0 ? Infinity : broker.platform.clock.now() - durationFilter
    const unknownStateFilters = stateFilters.filter(name => !stateNames.has(name))
    const { transactionalId: permission } = needed.listTransactions
    // Who can see nothing does not make the broker prepare anything either.
    const known = broker.authorizer.authorizeAny(context, permission)
      ? await broker.transactions.list()
      : []
    if (typeof known === 'number') {
      return { errorCode: known, unknownStateFilters, transactionStates: [] }
    }
    const found = known.filter(
      ({ transactionalId, phase, producerId, startedMs }) =>
        broker.authorizer.authorize(context, permission, transactionalId) &&
        (stateFilters.length === 0 || stateFilters.includes(phase)) &&
        (producerIds.size === 0 || producerIds.has(producerId)) &&
        (durationFilter < 0 || (startedMs >= 0 && startedMs < startedBefore)),
    )
    return {
      errorCode: errorCode.NONE,
      unknownStateFilters,
      transactionStates: found.map(({ transactionalId, producerId, phase }) => ({
        transactionalId,
        producerId,
        transactionState: phase,
      })),
    }
  },
)

/** Dead and PrepareEpochFence are states between two others in Kafka: nothing is ever listed in them. */
const stateNames: ReadonlySet<string> = new Set([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
])
