/**
 * InitProducerId: an id and epoch for an idempotent or transactional producer.
 *
 * Versions: 0-5.
 *
 * Behaviour: without a transactional id every request gets a fresh id with epoch 0, as in Apache Kafka; the id and epoch
 * that a client may send along are only meant for transactions. Ids start at 1 and are never given out twice. With a
 * transactional id the producer gets the same id with the next epoch, which shuts out earlier instances, and what they
 * left open is aborted. From version 3 a producer can name the instance that it is (KIP-360) and is refused when there is
 * a newer one. PRODUCER_FENCED is answered from version 4, INVALID_PRODUCER_EPOCH below.
 *
 * Differs from Apache Kafka: the answer waits for the abort of an open transaction instead of CONCURRENT_TRANSACTIONS, for
 * which kafkajs waits long and tries only a few times. (0, 0), which some clients send for "no id yet", is taken as that.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import type { Infer } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import type { InitAnswer } from '../coordinator/transaction-coordinator.ts'
import type { ProducerInstance } from '../coordinator/transaction-state.ts'
import { answerTo } from '../request-refused.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { fencedCode } from './transaction-codes.ts'

type Request = Infer<typeof initProducerId.request>

export const initProducerIdHandler: ApiHandler = apiHandler(
  initProducerId,
  { min: 0, max: 5 },
  async (broker, request, context) => {
    const { version, ended } = context
    const { transactionalId, transactionTimeoutMs: timeoutMs } = request
    if (transactionalId === '' || isHalfGiven(request)) {
      return { errorCode: errorCode.INVALID_REQUEST }
    }
    const refusal = refusalFor(broker, transactionalId, context)
    if (refusal !== errorCode.NONE) return { errorCode: refusal }
    try {
      if (transactionalId === null) {
        const producerId = await broker.producerIds.next()
        return { errorCode: errorCode.NONE, producerId, producerEpoch: 0 }
      }
      const expected = expectedOf(request)
      const wanted = { transactionalId, timeoutMs, expected }
      const made: InitAnswer = await broker.transactions.initProducerId(wanted, ended)
      return { ...made, errorCode: fencedCode(made.errorCode, version, 4) }
    } catch (error) {
      return { errorCode: answerTo(error, broker.logger).errorCode }
    }
  },
)

/** An idempotent producer needs no more than a topic that it may write to. (KIP-679) */
function refusalFor(
  { authorizer }: Broker,
  transactionalId: string | null,
  context: RequestContext,
): number {
  const { transactionalId: permission, cluster, topic } = needed.initProducerId
  if (transactionalId !== null) {
    const mayUse = authorizer.authorize(context, permission, transactionalId)
    return mayUse ? errorCode.NONE : permission.refusal
  }
  const mayWrite =
    authorizer.authorize(context, cluster, clusterName) || authorizer.authorizeAny(context, topic)
  return mayWrite ? errorCode.NONE : cluster.refusal
}

function isHalfGiven({ producerId, producerEpoch }: Request): boolean {
  return (producerId === -1n) !== (producerEpoch === -1)
}

function expectedOf({ producerId, producerEpoch }: Request): ProducerInstance | null {
  const isNone = producerId === -1n || (producerId === 0n && producerEpoch === 0)
  return isNone ? null : { producerId, producerEpoch }
}
