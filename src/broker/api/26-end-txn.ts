/**
 * EndTxn: commits or aborts the transaction.
 *
 * Versions: 0-4. Version 5 belongs to the second version of transactions (KIP-890), which is not served.
 *
 * Behaviour: the same end again, as long as no other transaction has begun, is answered with success. The other end, and
 * one where nothing was begun, is INVALID_TXN_STATE. PRODUCER_FENCED is answered from version 2, INVALID_PRODUCER_EPOCH
 * below.
 *
 * Differs from Apache Kafka: answered when the end is durable in every partition and the offsets of the transaction are
 * visible, not as soon as it is decided. So whoever reads after the answer reads what was committed, and the next
 * transaction is never answered CONCURRENT_TRANSACTIONS. A request that was overtaken by later ones on another connection
 * does nothing, and its connection is closed (coordinator/transaction.ts).
 */
import { endTxn } from '../../protocol/messages/26-end-txn.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { speakerCode } from './transaction-codes.ts'

export const endTxnHandler: ApiHandler = apiHandler(
  endTxn,
  { min: 0, max: 4 },
  async (broker, request, context) => {
    const { connection } = context
    const { transactionalId, producerId, producerEpoch, committed } = request
    const { transactionalId: permission } = needed.endTxn
    if (!broker.authorizer.authorize(context, permission, transactionalId)) {
      return { errorCode: permission.refusal }
    }
    const asked = broker.transactions.endTxn(transactionalId, {
      producer: { producerId, producerEpoch },
      type: committed ? 'commit' : 'abort',
      connection,
    })
    const code = await speakerCode(broker, asked, context)
    return code === null ? null : { errorCode: code }
  },
)
