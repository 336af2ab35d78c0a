/**
 * DescribeProducers: what partitions remember of the idempotent producers that wrote to them, so that an operator can find
 * a transaction that hangs (KIP-664).
 *
 * Versions: 0.
 *
 * Behaviour: a topic or a partition that is named twice is told once.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeProducers } from '../../protocol/messages/61-describe-producers.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { eachOnce } from './each-once.ts'

export const describeProducersHandler: ApiHandler = apiHandler(
  describeProducers,
  { min: 0, max: 0 },
  (broker, { topics }, context) => ({
    topics: eachOnce(topics, ({ name }) => name).map(({ name, partitionIndexes }) => ({
      name,
      partitions: eachOnce(partitionIndexes, index => index).map(partitionIndex => {
        const { topic } = needed.describeProducers
        if (!broker.authorizer.authorize(context, topic, name)) {
          return { partitionIndex, errorCode: topic.refusal, activeProducers: [] }
        }
        const log = broker.topics.partition(name, partitionIndex)
        if (log === undefined) {
          const code = errorCode.UNKNOWN_TOPIC_OR_PARTITION
          return { partitionIndex, errorCode: code, activeProducers: [] }
        }
        const activeProducers = Array.from(log.producers, producer => ({
          producerId: producer.producerId,
          producerEpoch: producer.epoch,
          lastSequence: producer.batches.at(-1)?.lastSequence ?? -1,
          lastTimestamp: producer.lastSeenMs,
          coordinatorEpoch: producer.coordinatorEpoch,
          currentTxnStartOffset: producer.transactionStart,
        }))
        return { partitionIndex, errorCode: errorCode.NONE, activeProducers }
      }),
    })),
  }),
)
