/**
 * DescribeTransactions: what the coordinator knows of transactional ids.
 *
 * Versions: 0.
 *
 * Behaviour: topics that the client may not describe are left out. Partitions are named while the transaction is not complete. An id that nobody knows is answered
 * TRANSACTIONAL_ID_NOT_FOUND, an empty one INVALID_REQUEST. One that is named twice is told once.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import type { InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { eachOnce } from './each-once.ts'

type Answer = InferInput<typeof describeTransactions.response>['transactionStates'][number]

export const describeTransactionsHandler: ApiHandler = apiHandler(
  describeTransactions,
  { min: 0, max: 0 },
  async (broker, { transactionalIds }, context) => ({
    transactionStates: await Promise.all(
      eachOnce(transactionalIds, id => id).map(id => describe(broker, id, context)),
    ),
  }),
)

async function describe(
  { transactions, authorizer }: Broker,
  transactionalId: string,
  context: RequestContext,
): Promise<Answer> {
  const { transactionalId: permission, topic: visible } = needed.describeTransactions
  if (!authorizer.authorize(context, permission, transactionalId)) {
    return refused(transactionalId, permission.refusal)
  }
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
    topics: [...partitions]
      .filter(([topic]) => authorizer.authorize(context, visible, topic))
      .map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
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
