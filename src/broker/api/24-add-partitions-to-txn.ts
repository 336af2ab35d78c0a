/**
 * AddPartitionsToTxn: names partitions that the transaction is about to write to, and begins it with the first.
 *
 * Versions: 0-3. Later versions are for brokers among each other, and a client that takes the highest on offer would use
 * them.
 *
 * Behaviour: all or none. When one of the partitions does not exist (UNKNOWN_TOPIC_OR_PARTITION), is the broker's own or
 * may not be written to (TOPIC_AUTHORIZATION_FAILED), the others answer OPERATION_NOT_ATTEMPTED. PRODUCER_FENCED is answered from version 2,
 * INVALID_PRODUCER_EPOCH below.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { addPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import type { Infer } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { speakerCode } from './transaction-codes.ts'

type Request = Infer<typeof addPartitionsToTxn.request>

export const addPartitionsToTxnHandler: ApiHandler = apiHandler(
  addPartitionsToTxn,
  { min: 0, max: 3 },
  async (broker, request, context) => {
    const { transactionalId, topic } = needed.addPartitionsToTxn
    const { authorizer } = broker
    const mayUse = authorizer.authorize(context, transactionalId, request.transactionalId)
    const problemOf = (name: string, partition: number): number => {
      if (!mayUse) return transactionalId.refusal
      if (!authorizer.authorize(context, topic, name)) return topic.refusal
      return partitionProblem(broker, name, partition)
    }
    const results = request.topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map(partitionIndex => ({
        partitionIndex,
        partitionErrorCode: problemOf(name, partitionIndex),
      })),
    }))
    const all = results.flatMap(({ resultsByPartition }) => resultsByPartition)
    const isRefused =
      !mayUse || all.some(({ partitionErrorCode }) => partitionErrorCode !== errorCode.NONE)
    const code = isRefused
      ? errorCode.OPERATION_NOT_ATTEMPTED
      : await speakerCode(broker, add(broker, request, context), context)
    if (code === null) return null
    for (const result of all) {
      if (result.partitionErrorCode === errorCode.NONE) result.partitionErrorCode = code
    }
    return { results }
  },
)

function partitionProblem(broker: Broker, name: string, partition: number): number {
  const topic = broker.topics.get(name)
  if (topic?.internal) return errorCode.TOPIC_AUTHORIZATION_FAILED
  return topic?.partitions[partition] === undefined
    ? errorCode.UNKNOWN_TOPIC_OR_PARTITION
    : errorCode.NONE
}

function add(
  broker: Broker,
  { transactionalId, producerId, producerEpoch, topics }: Request,
  { connection }: RequestContext,
): Promise<number> {
  const partitions = new Map<string, Set<number>>()
  for (const { name, partitions: indexes } of topics) {
    partitions.set(name, new Set([...(partitions.get(name) ?? []), ...indexes]))
  }
  return broker.transactions.addPartitions(transactionalId, {
    producer: { producerId, producerEpoch },
    partitions,
    connection,
  })
}
