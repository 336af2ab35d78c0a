/**
 * TxnOffsetCommit: commits offsets of a group in a transaction.
 *
 * Versions: 0-4.
 *
 * Behaviour: the offsets are written at once and count when the transaction is committed. From version 3 the member says of
 * which generation it is, and one that has lost its partitions to others is refused (KIP-447). The transaction must be open
 * and have the group's partition of `__consumer_offsets` in it (AddOffsetsToTxn): a request that comes late opens nothing.
 * Where it is not, versions from 4 are told TRANSACTION_ABORTABLE and older ones INVALID_TXN_STATE. Partitions are refused
 * one by one as in OffsetCommit. Needs Write on the transactional id and Read on group and topics.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { consumerOffsetsTopic } from '../../protocol/internal-topics.ts'
import { txnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { committableOffsets, committed, refusedOffsets } from './committable-offsets.ts'
import { abortableCode } from './transaction-codes.ts'

export const txnOffsetCommitHandler: ApiHandler = apiHandler(
  txnOffsetCommit,
  { min: 0, max: 4 },
  async (broker, request, context) => {
    const { authorizer } = broker
    const { transactionalId, groupId, producerId, producerEpoch, topics } = request
    const permissions = needed.txnOffsetCommit
    if (!authorizer.authorize(context, permissions.transactionalId, transactionalId)) {
      return { topics: refusedOffsets(topics, permissions.transactionalId.refusal) }
    }
    if (!authorizer.authorize(context, permissions.group, groupId)) {
      return { topics: refusedOffsets(topics, permissions.group.refusal) }
    }
    if (groupId === '') return { topics: refusedOffsets(topics, errorCode.INVALID_GROUP_ID) }
    const mayRead = (name: string): boolean =>
      authorizer.authorize(context, permissions.topic, name)
    const commit = committableOffsets(broker, mayRead, topics)
    const code = await broker.groups.commitTransactional(groupId, {
      generation: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      producerId,
      producerEpoch,
      offsets: commit.offsets,
      verify: offsetsPartition =>
        broker.transactions.isOngoing(
          transactionalId,
          producerId,
          producerEpoch,
          consumerOffsetsTopic,
          offsetsPartition,
        ),
    })
    return { topics: committed(commit, answerFor(code, context.version)) }
  },
)

function answerFor(code: number, version: number): number {
  // Clients know no CONCURRENT_TRANSACTIONS here, and the one before knows no COORDINATOR_LOAD_IN_PROGRESS.
  if (code === errorCode.CONCURRENT_TRANSACTIONS) {
    return version < 2
      ? errorCode.COORDINATOR_NOT_AVAILABLE
      : errorCode.COORDINATOR_LOAD_IN_PROGRESS
  }
  return abortableCode(code, version, 4)
}
