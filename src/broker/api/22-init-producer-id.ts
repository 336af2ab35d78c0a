/**
 * InitProducerId: an id and epoch for an idempotent producer.
 *
 * Versions: 0-5.
 *
 * Behaviour: without a transactional id every request gets a fresh id with epoch 0, as in Apache Kafka; the id and epoch
 * that a client may send along are only meant for transactions. Ids start at 1 and are never given out twice.
 *
 * Differs from Apache Kafka: a transactional id is refused with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which clients
 * report at once and do not retry: there are no transactions yet.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { answerTo } from '../request-refused.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const initProducerIdHandler: ApiHandler = apiHandler(
  initProducerId,
  { min: 0, max: 5 },
  async (broker, { transactionalId }) => {
    if (transactionalId !== null) {
      return {
        errorCode:
          transactionalId === ''
            ? errorCode.INVALID_REQUEST
            : errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      }
    }
    try {
      const producerId = await broker.producerIds.next()
      return { errorCode: errorCode.NONE, producerId, producerEpoch: 0 }
    } catch (error) {
      return { errorCode: answerTo(error, broker.logger).errorCode }
    }
  },
)
