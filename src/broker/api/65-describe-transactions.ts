/**
 * DescribeTransactions: what the coordinator knows of transactional ids.
 *
 * Versions: 0.
 *
 * Behaviour: partitions are named while the transaction is not complete. An id that nobody knows is answered
 * TRANSACTIONAL_ID_NOT_FOUND, an empty one INVALID_REQUEST.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import type { InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type Answer = InferInput<typeof describeTransactions.response>['transactionStates'][number]

export const describeTransactionsHandler: ApiHandler = apiHandler(
  describeTransactions,
  { min: 0, max: 0 },
  async (broker, { transactionalIds }) => ({
    transactionStates: await Promise.all(transactionalIds.map(id => describe(broker, id))),
  }),
)

async function describe({ transactions }: Broker, transactionalId: string): Promise<Answer> {
  if (transactionalId === '') return refused(transactionalId, errorCode.INVALID_REQUEST)
  const known = await transactions.describe(transactionalId)
  if (known === null) return refused(transactionalId, errorCode.TRANSACTIONAL_ID_NOT_FOUND)
  if (typeof known === 'number') return refused(transactionalId, known)
  const { producerId, producerEpoch, phase, timeoutMs, startedMs, partitions } = known
  return {
    errorCode: errorCode.NONE,
    transactionalId,
    transactionState: phase,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startedMs,
    producerId,
    producerEpoch,
    topics: [...partitions].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
  }
}

function refused(transactionalId: string, code: number): Answer {
  return {
    errorCode: code,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0n,
    producerEpoch: 0,
    topics: [],
  }
}
