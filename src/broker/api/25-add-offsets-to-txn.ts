/**
 * AddOffsetsToTxn: says that the transaction is about to commit offsets of a group.
 *
 * Versions: 0-4.
 *
 * Behaviour: the partition of `__consumer_offsets` that the group is kept in becomes part of the transaction.
 * PRODUCER_FENCED is answered from version 2, INVALID_PRODUCER_EPOCH below.
 */
import { addOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { speakerCode } from './transaction-codes.ts'

export const addOffsetsToTxnHandler: ApiHandler = apiHandler(
  addOffsetsToTxn,
  { min: 0, max: 4 },
  async (broker, request, context) => {
    const { connection } = context
    const { transactionalId, groupId, producerId, producerEpoch } = request
    const { transactionalId: usingId, group: reading } = needed.addOffsetsToTxn
    const { authorizer } = broker
    if (!authorizer.authorize(context, usingId, transactionalId)) {
      return { errorCode: usingId.refusal }
    }
    if (!authorizer.authorize(context, reading, groupId)) return { errorCode: reading.refusal }
    const speaker = { producer: { producerId, producerEpoch }, connection }
    const asked = broker.transactions.addOffsets(transactionalId, groupId, speaker)
    const code = await speakerCode(broker, asked, context)
    return code === null ? null : { errorCode: code }
  },
)
