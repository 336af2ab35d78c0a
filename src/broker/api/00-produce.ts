/**
 * Produce: appends one record batch to each of several partitions.
 *
 * Versions: 3-11. Advertised from 0, as Apache Kafka 4 does, because librdkafka up to 2.11 takes the presence of version
 * 0 for the ability to compress; a request below 3 closes the connection.
 *
 * Behaviour: batches are checked and appended as they are, or in the codec that `compression.type` names, partition by partition; a refused partition does not disturb
 * the others. acks=-1 is answered when the batches are durable, acks=1 when they are appended, acks=0 never: there a failure
 * closes the connection. A repeated
 * batch of an idempotent producer is answered with the offsets it got the first time. Records that cannot be decoded
 * or become more than 32 MiB (or four times max.message.bytes) when they are decompressed, and for a compacted topic such without a key, are refused with
 * INVALID_RECORD.
 *
 * Every transactional batch needs the coordinator's word that its partition is part of the producer's open transaction
 * (KIP-890), so that a late one cannot open a transaction that nobody ends. While that may still change by itself the
 * answer is NOT_ENOUGH_REPLICAS, which every client tries again; otherwise TRANSACTION_ABORTABLE, INVALID_TXN_STATE below
 * version 11.
 *
 * Differs from Apache Kafka: `timeoutMs` is not looked at, because with one node nothing but the disk can be waited for,
 * and a producer must not be told "timed out" of a write that will be durable. Kafka asks the coordinator only for the
 * first batch in a partition: here one that comes after the end was asked for is never part of it.
 */
import { MillraceError } from '../../errors.ts'
import { errorCode, errorName } from '../../protocol/error-codes.ts'
import { produce } from '../../protocol/messages/00-produce.ts'
import * as recordBatch from '../../protocol/record-batch.ts'
import type { Infer, InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { AppendRefused } from '../log/append-refused.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { answerTo } from '../request-refused.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { abortableCode } from './transaction-codes.ts'

type TopicAnswer = InferInput<typeof produce.response>['responses'][number]
type PartitionAnswer = { -readonly [K in keyof Answer]: Answer[K] }
type Answer = TopicAnswer['partitionResponses'][number]

export const produceHandler: ApiHandler = apiHandler(
  produce,
  { min: 3, max: 11, advertisedMin: 0, overlaps: true },
  async (broker, request, context) => {
    const { version } = context
    const { topic: permission } = needed.produce
    const { transactionalId } = request
    const responses: { name: string; partitionResponses: PartitionAnswer[] }[] = []
    const waits: Promise<void>[] = []
    const whole = wholeProblem(broker, request, context)
    for (const { name, partitionData } of request.topicData) {
      const partitionResponses: PartitionAnswer[] = []
      responses.push({ name, partitionResponses })
      const mayWrite = broker.authorizer.authorize(context, permission, name)
      for (const { index, records } of partitionData) {
        const answer: PartitionAnswer = { index, errorCode: whole, baseOffset: -1 }
        partitionResponses.push(answer)
        if (whole !== errorCode.NONE) continue
        const log = mayWrite ? writableLog(broker, name, index) : permission.refusal
        if (typeof log === 'number') {
          answer.errorCode = log
          continue
        }
        const from = { transactionalId, topic: name, partition: index, version }
        const wait = append(broker, log, records, from, answer)
        if (wait !== null && request.acks === -1) waits.push(refuseIfLost(broker, wait(), answer))
      }
    }
    const throttleTimeMs = throttle(broker, request, context)
    if (waits.length > 0) await Promise.all(waits)
    count(broker, request, responses)
    if (request.acks !== 0) return { responses, throttleTimeMs }
    refuseSilently(responses)
    return null
  },
)

function count(
  broker: Broker,
  { topicData }: Infer<typeof produce.request>,
  responses: readonly { readonly partitionResponses: readonly PartitionAnswer[] }[],
): void {
  for (const [at, { name, partitionData }] of topicData.entries()) {
    const counters = broker.topics.get(name)?.counters
    if (counters === undefined) continue
    for (const [index, { records }] of partitionData.entries()) {
      counters.produceRequests += 1
      const answer = responses[at]?.partitionResponses[index]
      if (answer?.errorCode !== errorCode.NONE || records === null) {
        counters.failedProduceRequests += 1
      } else {
        counters.messagesIn += recordBatch.recordCount(records)
        counters.bytesIn += records.length
      }
    }
  }
}

/** Who wants no answer learns of a failure by the end of its connection. (Kafka: KafkaApis.handleProduceRequest.) */
function refuseSilently(
  responses: readonly { name: string; partitionResponses: readonly PartitionAnswer[] }[],
): void {
  for (const { name, partitionResponses } of responses) {
    const failed = partitionResponses.find(answer => answer.errorCode !== errorCode.NONE)
    if (failed === undefined) continue
    throw new MillraceError(
      'PROTOCOL_ERROR',
      `A Produce request without answer (acks=0) failed for ${name}-${failed.index}: ${errorName(failed.errorCode)}.`,
    )
  }
}

function throttle(
  { clientQuotas }: Broker,
  { topicData }: Infer<typeof produce.request>,
  context: RequestContext,
): number {
  if (context.mute === null) return 0
  let bytes = 0
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) bytes += records?.length ?? 0
  }
  const throttleTimeMs = clientQuotas.throttleMs('producer_byte_rate', context, bytes)
  if (throttleTimeMs > 0) context.mute(throttleTimeMs)
  return throttleTimeMs
}

/** What keeps all partitions from being written to. */
function wholeProblem(
  { authorizer }: Broker,
  { acks, transactionalId }: Infer<typeof produce.request>,
  context: RequestContext,
): number {
  if (acks !== -1 && acks !== 0 && acks !== 1) return errorCode.INVALID_REQUIRED_ACKS
  const { transactionalId: permission } = needed.produce
  return transactionalId === null || authorizer.authorize(context, permission, transactionalId)
    ? errorCode.NONE
    : permission.refusal
}

function writableLog(broker: Broker, name: string, index: number): PartitionLog | number {
  const topic = broker.topics.get(name)
  const log = topic?.partitions[index]
  if (topic === undefined || log === undefined) return errorCode.UNKNOWN_TOPIC_OR_PARTITION
  return topic.internal ? errorCode.INVALID_TOPIC_EXCEPTION : log
}

/** What a batch came with. */
interface Origin {
  readonly transactionalId: string | null
  readonly topic: string
  readonly partition: number
  readonly version: number
}

/** Appends, fills in the answer, and returns how to wait until the records are durable; null when refused. */
function append(
  broker: Broker,
  log: PartitionLog,
  records: Buffer | null,
  from: Origin,
  answer: PartitionAnswer,
): (() => Promise<void>) | null {
  try {
    if (records === null) {
      throw new AppendRefused(errorCode.INVALID_RECORD, 'There is no record batch in the request.')
    }
    checkForm(records, from.version)
    if (recordBatch.isTransactional(records)) verify(broker, records, from)
    const { baseOffset, lastOffset, logAppendTime } = log.append(records, {
      leaderEpoch: broker.leaderEpoch,
      assignOffsets: true,
    })
    answer.baseOffset = baseOffset
    answer.logAppendTimeMs = logAppendTime
    answer.logStartOffset = log.startOffset
    return () => log.durable(lastOffset + 1)
  } catch (error) {
    Object.assign(answer, answerTo(error, broker.logger))
    return null
  }
}

/** What concerns the request rather than the log; everything else about a batch is checked by the log. */
function checkForm(records: Buffer, version: number): void {
  if (records.length < recordBatch.headerBytes) {
    throw new AppendRefused(errorCode.CORRUPT_MESSAGE, 'The record batch is cut short.')
  }
  if (recordBatch.sizeInBytes(records) !== records.length) {
    throw new AppendRefused(
      errorCode.INVALID_RECORD,
      'A request carries exactly one record batch for each partition.',
    )
  }
  if (version < 7 && recordBatch.codecId(records) === ZSTD) {
    throw new AppendRefused(
      errorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Produce version ${version} cannot carry zstd: use version 7 or later.`,
    )
  }
}

const ZSTD = 4

function verify({ transactions }: Broker, records: Buffer, from: Origin): void {
  const { transactionalId, topic, partition, version } = from
  if (transactionalId === null) {
    throw new AppendRefused(
      errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      'A transactional batch needs a transactional id in its request.',
    )
  }
  const producerId = recordBatch.producerId(records)
  const epoch = recordBatch.producerEpoch(records)
  const code = transactions.isOngoing(transactionalId, producerId, epoch, topic, partition)
  if (code === errorCode.NONE) return
  throw new AppendRefused(
    code === errorCode.CONCURRENT_TRANSACTIONS
      ? errorCode.NOT_ENOUGH_REPLICAS
      : abortableCode(code, version, 11),
    `${topic}-${partition} is not part of an open transaction of producer ${producerId} with epoch ${epoch} and the transactional id ${JSON.stringify(transactionalId)}.`,
  )
}

async function refuseIfLost(
  broker: Broker,
  durable: Promise<void>,
  answer: PartitionAnswer,
): Promise<void> {
  try {
    await durable
  } catch (error) {
    Object.assign(answer, answerTo(error, broker.logger), { baseOffset: -1 })
  }
}
