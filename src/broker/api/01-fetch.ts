/**
 * Fetch: whole record batches from several partitions, from given offsets.
 *
 * Versions: 4-17, by topic id from 13.
 *
 * Behaviour: reads below the high watermark, with read_committed below the last stable offset, and then tells which
 * transactions were aborted, in the order in which they began: their records are in the answer. An answer with fewer than `minBytes` waits up to `maxWaitMs` for more and is
 * woken by every advance of a high watermark. The first batch is returned even when it is larger than the limits (KIP-74),
 * and it may begin below the asked offset; where compaction has removed records, batches follow until there is a record at
 * or above it, because kafkajs does not get on without one.
 *
 * Differs from Apache Kafka: no fetch sessions (every answer has session id 0, which makes clients send full requests),
 * no followers, no preferred replica. Divergence (`lastFetchedEpoch`) is found as in Kafka.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { fetch } from '../../protocol/messages/01-fetch.ts'
import * as recordBatch from '../../protocol/record-batch.ts'
import { type Infer, type InferInput, zeroUuid } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { endOf } from '../log/compaction/sparse-batches.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Topic } from '../topics.ts'
import { answerTo } from '../request-refused.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { leaderEpochProblem } from './leader-epoch.ts'

type Request = Infer<typeof fetch.request>
type RequestedPartition = Request['topics'][number]['partitions'][number]
type Response = InferInput<typeof fetch.response>
type PartitionAnswer = Response['responses'][number]['partitions'][number]

/** One reading of all partitions of a request. */
interface Reading {
  readonly response: Response
  /** The topics of the response, in its order. */
  readonly topics: readonly (Topic | undefined)[]
  readonly sizeInBytes: number
  /** Some partition has an error or diverges: the client must hear of it at once. */
  readonly urgent: boolean
}

export const fetchHandler: ApiHandler = apiHandler(
  fetch,
  { min: 4, max: 17 },
  (broker, request, context) => {
    if (request.sessionId !== 0) {
      return { errorCode: errorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
    }
    const reading = readAll(broker, request, context)
    if (isEnough(reading, request) || request.maxWaitMs <= 0 || isOverlong(broker, request))
      return answer(broker, reading, context)
    context.buffers?.discard()
    return park(broker, request, context, reading.sizeInBytes)
  },
)

function isEnough(reading: Reading, request: Request): boolean {
  return reading.urgent || reading.sizeInBytes >= request.minBytes || request.topics.length === 0
}

/** Whether it names more partitions than there are, some many times: such a one is not kept while it waits. */
function isOverlong({ config }: Broker, { topics }: Request): boolean {
  let count = 0
  for (const { partitions } of topics) count += partitions.length
  return count > config.maxPartitions
}

/**
 * Waits until a reading is enough, the time is up, or nobody waits any more. `readBytes`: what the first reading gave.
 * Before as many bytes have come to be seen as are missing, nothing is read again; but the end of a transaction shows much
 * at once to a reader of committed data.
 */
function park(
  broker: Broker,
  request: Request,
  context: RequestContext,
  readBytes: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = []
    const missing = (bytes: number): number =>
      request.isolationLevel === READ_COMMITTED ? 0 : request.minBytes - bytes
    let missingBytes = missing(readBytes)
    let looking = false
    let done = false

    const finish = (reading: Reading): void => {
      done = true
      for (const stop of stops) stop()
      resolve(answer(broker, reading, context))
    }
    const look = (mode: 'last' | 'enough'): void => {
      looking = false
      if (done) return
      try {
        const reading = readAll(broker, request, context)
        if (mode === 'last' || isEnough(reading, request)) finish(reading)
        else {
          missingBytes = missing(reading.sizeInBytes)
          context.buffers?.discard()
        }
      } catch (error) {
        done = true
        for (const stop of stops) stop()
        reject(error)
      }
    }
    // One flush moves the watermarks of many partitions: all of them make one reading.
    const wake = (): void => {
      if (looking || done || missingBytes > 0) return
      looking = true
      queueMicrotask(() => look('enough'))
    }
    const end = (): void => look('last')

    broker.counters.parkedFetches += 1
    stops.push(() => (broker.counters.parkedFetches -= 1))
    for (const requested of request.topics) {
      const topic = findTopic(broker, requested)
      for (const { partition } of requested.partitions) {
        const log = topic?.partitions[partition]
        if (log === undefined) continue
        let seenBytes = log.visibleBytes
        const advanced = (): void => {
          missingBytes -= log.visibleBytes - seenBytes
          seenBytes = log.visibleBytes
          wake()
        }
        stops.push(log.onHighWatermark(advanced))
      }
    }
    const timer = broker.platform.timers.schedule(request.maxWaitMs, end)
    stops.push(() => timer.cancel())
    context.ended.addEventListener('abort', end)
    stops.push(() => context.ended.removeEventListener('abort', end))
    if (context.ended.aborted) end()
  })
}

/** The response to a reading; a client that has had its share is not listened to for a time. */
function answer(broker: Broker, reading: Reading, context: RequestContext): Response {
  const response = counted(reading)
  const { sizeInBytes } = reading
  if (context.mute === null || sizeInBytes === 0) return response
  const throttleTimeMs = broker.clientQuotas.throttleMs('consumer_byte_rate', context, sizeInBytes)
  if (throttleTimeMs === 0) return response
  context.mute(throttleTimeMs)
  return { ...response, throttleTimeMs }
}

/** The response, about to be sent. */
function counted({ response, topics }: Reading): Response {
  for (const [index, { partitions }] of response.responses.entries()) {
    const counters = topics[index]?.counters
    if (counters === undefined) continue
    for (const { errorCode: code, records } of partitions) {
      counters.fetchRequests += 1
      if (code !== errorCode.NONE) counters.failedFetchRequests += 1
      counters.bytesOut += records?.length ?? 0
    }
  }
  return response
}

function readAll(broker: Broker, request: Request, context: RequestContext): Reading {
  const { version } = context
  const { topic: permission } = needed.fetch
  const limit = Math.min(
    request.maxBytes,
    broker.config.fetchMaxBytes,
    broker.connectionMemory.fetchBytes,
    context.mute === null
      ? Infinity
      : broker.clientQuotas.burstBytes('consumer_byte_rate', context),
  )
  const responses: Response['responses'][number][] = []
  const topics: (Topic | undefined)[] = []
  let sizeInBytes = 0
  let urgent = false
  for (const requested of request.topics) {
    const topic = findTopic(broker, requested)
    const partitions: PartitionAnswer[] = []
    topics.push(topic)
    const mayRead =
      topic === undefined && version >= 13
        ? true
        : broker.authorizer.authorize(context, permission, topic?.name ?? requested.topic)
    responses.push({ topic: requested.topic, topicId: requested.topicId, partitions })
    for (const wanted of requested.partitions) {
      const log = topic?.partitions[wanted.partition]
      let answer: PartitionAnswer
      if (!mayRead) answer = refusal(wanted.partition, permission.refusal)
      else if (log === undefined) {
        const unknown =
          topic === undefined && version >= 13
            ? errorCode.UNKNOWN_TOPIC_ID
            : errorCode.UNKNOWN_TOPIC_OR_PARTITION
        answer = refusal(wanted.partition, unknown)
      } else {
        const room = Math.min(limit - sizeInBytes, wanted.partitionMaxBytes)
        // The first batch of an answer is given whatever its size; once there is something, only what has room.
        const maxBytes = sizeInBytes === 0 ? Math.max(room, 1) : room
        answer = readPartition(broker, log, wanted, maxBytes, request.isolationLevel, context)
      }
      partitions.push(answer)
      sizeInBytes += answer.records?.length ?? 0
      urgent ||= answer.errorCode !== errorCode.NONE || answer.divergingEpoch !== undefined
    }
  }
  return { response: { responses }, topics, sizeInBytes, urgent }
}

function findTopic(broker: Broker, requested: Request['topics'][number]): Topic | undefined {
  return requested.topicId === zeroUuid
    ? broker.topics.get(requested.topic)
    : broker.topics.byId(requested.topicId)
}

function readPartition(
  broker: Broker,
  log: PartitionLog,
  wanted: RequestedPartition,
  maxBytes: number,
  isolationLevel: number,
  { version, buffers }: RequestContext,
): PartitionAnswer {
  const { partition, fetchOffset, lastFetchedEpoch } = wanted
  const epochProblem = leaderEpochProblem(wanted.currentLeaderEpoch, broker.leaderEpoch)
  if (epochProblem !== errorCode.NONE) return refusal(partition, epochProblem)
  const { highWatermark, lastStableOffset, startOffset } = log
  const isCommittedOnly = isolationLevel === READ_COMMITTED
  const answer: PartitionAnswer = {
    partitionIndex: partition,
    errorCode: errorCode.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset: startOffset,
    abortedTransactions: isCommittedOnly ? [] : null,
    records: EMPTY,
  }
  if (lastFetchedEpoch >= 0) {
    const end = log.epochEndOffset(lastFetchedEpoch, broker.leaderEpoch)
    if (end.epoch === -1) return refusal(partition, errorCode.OFFSET_OUT_OF_RANGE)
    if (end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
      return { ...answer, divergingEpoch: { epoch: end.epoch, endOffset: end.endOffset } }
    }
  }
  if (fetchOffset < startOffset || fetchOffset > log.endOffset) {
    return {
      ...refusal(partition, errorCode.OFFSET_OUT_OF_RANGE),
      highWatermark,
      logStartOffset: startOffset,
    }
  }
  const upTo = isCommittedOnly ? lastStableOffset : highWatermark
  if (fetchOffset >= upTo || maxBytes <= 0) return answer
  try {
    const records = log.read(
      fetchOffset,
      maxBytes,
      buffers === null ? { upTo } : { upTo, take: size => buffers.take(size) },
    )
    if (version < 10 && holdsZstd(records)) {
      return refusal(partition, errorCode.UNSUPPORTED_COMPRESSION_TYPE)
    }
    if (!isCommittedOnly || records.length === 0) return { ...answer, records }
    const abortedTransactions = log.abortedTransactions(fetchOffset, endOf(records))
    return { ...answer, records, abortedTransactions }
  } catch (error) {
    return refusal(partition, answerTo(error, broker.logger).errorCode)
  }
}

/** Clients below version 10 cannot read zstd and must be told. */
function holdsZstd(records: Buffer): boolean {
  for (let at = 0; at < records.length; at += recordBatch.sizeInBytes(records, at)) {
    if (recordBatch.codecId(records, at) === ZSTD) return true
  }
  return false
}

function refusal(partitionIndex: number, code: number): PartitionAnswer {
  return {
    partitionIndex,
    errorCode: code,
    highWatermark: -1,
    abortedTransactions: null,
    records: EMPTY,
  }
}

const READ_COMMITTED = 1
const ZSTD = 4
const EMPTY = Buffer.alloc(0)
