/**
 * CreatePartitions: gives topics more partitions.
 *
 * Versions: 0-3.
 *
 * Behaviour: `count` is the new total and must be larger than the present one (INVALID_PARTITIONS). An assignment by hand
 * must place every new partition on this node. Records do not move: a key may go to another partition from then on.
 *
 * Differs from Apache Kafka: `timeoutMs` is not looked at, the partitions are ready when they are answered.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { createPartitions } from '../../protocol/messages/37-create-partitions.ts'
import type { Infer } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'

type Wanted = Infer<typeof createPartitions.request>['topics'][number]

export const createPartitionsHandler: ApiHandler = apiHandler(
  createPartitions,
  { min: 0, max: 3 },
  async (broker, request, context) => {
    const results: { name: string; errorCode: number; errorMessage?: string }[] = []
    for (const wanted of request.topics) {
      const { name, count } = wanted
      try {
        checkAuthorized(broker, context, needed.createPartitions.topic, name)
        check(broker, wanted)
        if (!request.validateOnly) await broker.topics.addPartitions(name, count)
        results.push({ name, errorCode: errorCode.NONE })
      } catch (error) {
        results.push({ name, ...answerTo(error, broker.logger) })
      }
    }
    return { results }
  },
)

function check(broker: Broker, { name, count, assignments }: Wanted): void {
  const topic = broker.topics.checkPartitionCount(name, count)
  if (assignments === null) return
  const added = count - topic.partitions.length
  const fits = assignments.every(
    ({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === broker.nodeId,
  )
  if (assignments.length !== added || !fits) {
    throw new RequestRefused(
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      `The ${added} new partitions of ${name} must each be placed on broker ${broker.nodeId}, the only one.`,
    )
  }
}
