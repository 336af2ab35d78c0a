import assert from 'node:assert/strict'
import { MillraceError } from '../errors.ts'
import type { Timer } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { produce } from '../protocol/messages/00-produce.ts'
import { initProducerId } from '../protocol/messages/22-init-producer-id.ts'
import { recordCount, sizeInBytes } from '../protocol/record-batch.ts'
import { Sleeper, backoffMs } from './backoff.ts'
import { BrokerConnections } from './broker-connections.ts'
import { retryingCall } from './client-core.ts'
import type { ClientCore } from './client-core.ts'
import type { Leader } from './cluster-metadata.ts'
import { isRepeatable, logError, remedyFor } from './errors.ts'
import { LeaderLookup } from './leader-lookup.ts'
import type { LogProducer, PartitionBatch, PartitionOffset, TopicPartition } from './log-client.ts'
import { PartitionMap, byTopic, partitionName } from './partition-map.ts'
import { ProducerQueue } from './producer-queue.ts'
import type { QueuedBatch } from './producer-queue.ts'
import type { ProducerIdentity } from './producer-sequence.ts'
import { produceInTransaction } from './transaction-versions.ts'

/** As many as the broker remembers of a producer and partition (KIP-98): all of them may have to be repeated. */
const requestsPerBroker = 5
/** A request takes one batch of each partition; beyond this size in bytes the others wait for the next. */
const requestBytes = 8 * 1024 * 1024
/** How long in milliseconds the leader may wait for its replicas. */
const replicationTimeoutMs = 30_000
/** Acknowledged once all in-sync replicas have it. */
const allReplicas = -1

/** What makes the batches of a producer parts of transactions. */
export interface ProducerTransactions {
  readonly transactionalId: string
  /** Gets the next id and epoch. */
  identify(): Promise<ProducerIdentity>
}

interface Sent {
  readonly queue: ProducerQueue
  readonly queued: QueuedBatch
}

/**
 * The idempotent producer (KIP-98). Each partition has a queue; whatever the queues of one broker have ready goes out
 * in one Produce request, up to five in flight. When a batch fails for good, its queue fails as a whole and the
 * producer takes a new id, because the sequences that the broker expects are no longer known.
 */
export class KafkaLogProducer implements LogProducer {
  readonly #core: ClientCore
  readonly #connections: BrokerConnections
  readonly #sleeper: Sleeper
  readonly #deliveryTimeoutMs: number
  readonly #transactions: ProducerTransactions | undefined
  readonly #queues = new PartitionMap<ProducerQueue>()
  /** Queues that hold batches, in the order in which they got their first. */
  readonly #busy = new Set<ProducerQueue>()
  readonly #requests = new Map<number, number>()
  #identity: ProducerIdentity | null = null
  #identifying = false
  readonly #leaders: LeaderLookup
  #retryTimer: Timer | undefined
  #closed = false

  constructor(
    core: ClientCore,
    options: { deliveryTimeoutMs: number; transactions?: ProducerTransactions },
  ) {
    this.#core = core
    this.#connections = new BrokerConnections(core.connector)
    this.#sleeper = new Sleeper(core.platform.timers)
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs
    this.#transactions = options.transactions
    this.#leaders = new LeaderLookup(core.cluster, (topics, failure) =>
      this.#leadersLearnt(topics, failure),
    )
    core.parts.add(this)
  }

  /**
   * Gets the producer id: call before the first `send`, and in transactions after everything was failed. Closes the producer
   * when none is to be had.
   */
  async open(): Promise<void> {
    try {
      this.#identity = await this.#newIdentity()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  send(
    batches: readonly PartitionBatch[],
    failed?: (index: number, error: Error) => void,
  ): Promise<PartitionOffset[]> {
    if (this.#closed) return Promise.reject(closed())
    const deadline = this.#core.platform.clock.monotonic() + this.#deliveryTimeoutMs
    return new Promise((resolve, reject) => {
      const offsets: PartitionOffset[] = []
      let missing = batches.length
      if (missing === 0) resolve(offsets)
      for (const [index, { topic, partition, batch }] of batches.entries()) {
        assert(sizeInBytes(batch) === batch.length, 'an entry of send is one whole record batch')
        assert(recordCount(batch) > 0, 'a record batch without records cannot be sent')
        const settled = (offset: number): void => {
          offsets[index] = { topic, partition, offset }
          missing -= 1
          if (missing === 0) resolve(offsets)
        }
        const gaveUp = (error: Error): void => {
          if (failed === undefined) return reject(error)
          failed(index, error)
          settled(-1)
        }
        const queue = this.#queue({ topic, partition })
        queue.push({ batch, deadline, identity: null, acknowledged: settled, failed: gaveUp })
        this.#busy.add(queue)
      }
      this.#sendReady()
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#retryTimer?.cancel()
    this.#sleeper.close()
    this.failAll(closed())
    await this.#connections.close()
    this.#core.parts.delete(this)
  }

  /** Fails everything that is not acknowledged. The sequences after it are not known: a new id has to be taken. */
  failAll(error: Error): void {
    if (this.#busy.size === 0) return
    this.#identity = null
    const failed = [...this.#busy]
    this.#busy.clear()
    for (const queue of failed) queue.fail(error)
  }

  /** Whether batches failed, so that a new id has to be taken before others are sent. */
  get needsIdentity(): boolean {
    return this.#identity === null
  }

  /** Sends what may be sent, to every broker that has fewer than five requests in flight. */
  #sendReady(): void {
    if (this.#closed) return
    const now = this.#core.platform.clock.monotonic()
    const byNode = new Map<number, { leader: Leader; queues: ProducerQueue[] }>()
    const unknown = new Set<string>()
    let retryAt = Infinity
    for (const queue of this.#busy) {
      if (queue.retryAt > now) {
        retryAt = Math.min(retryAt, queue.retryAt)
        continue
      }
      const leader = this.#core.cluster.leader(queue)
      if (leader === undefined) {
        unknown.add(queue.topic)
        continue
      }
      const group = byNode.get(leader.nodeId)
      if (group === undefined) byNode.set(leader.nodeId, { leader, queues: [queue] })
      else group.queues.push(queue)
    }
    for (const { leader, queues } of byNode.values()) this.#sendTo(leader, queues)
    if (unknown.size > 0) void this.#leaders.ask([...unknown])
    if (this.#identity === null && this.#busy.size > 0) void this.#identify()
    this.#retryTimer?.cancel()
    this.#retryTimer =
      retryAt === Infinity
        ? undefined
        : this.#core.platform.timers.schedule(retryAt - now, () => this.#sendReady())
  }

  #sendTo(leader: Leader, queues: readonly ProducerQueue[]): void {
    const { nodeId } = leader
    let requests = this.#requests.get(nodeId) ?? 0
    for (; requests < requestsPerBroker; requests += 1) {
      const sent: Sent[] = []
      let bytes = 0
      for (const queue of queues) {
        const queued = queue.next(nodeId, this.#identity)
        if (queued === undefined) continue
        if (bytes > 0 && bytes + queued.batch.length > requestBytes) continue
        bytes += queued.batch.length
        queue.send(queued, nodeId, this.#identity)
        sent.push({ queue, queued })
      }
      if (sent.length === 0) break
      void this.#request(leader, sent)
    }
    this.#requests.set(nodeId, requests)
  }

  async #request(leader: Leader, sent: readonly Sent[]): Promise<void> {
    try {
      const entries = sent.map(each => ({
        ...each,
        topic: each.queue.topic,
        partition: each.queue.partition,
      }))
      const api = this.#transactions === undefined ? produce : produceInTransaction
      const response = await this.#connections.request(leader.address, api, {
        transactionalId: this.#transactions?.transactionalId ?? null,
        acks: allReplicas,
        timeoutMs: replicationTimeoutMs,
        topicData: [...byTopic(entries)].map(([name, ofTopic]) => ({
          name,
          partitionData: ofTopic.map(({ partition, queued }) => ({
            index: partition,
            records: queued.batch,
          })),
        })),
      })
      const results = new PartitionMap<{
        errorCode: number
        baseOffset: number
        errorMessage: string | null
      }>()
      for (const { name, partitionResponses } of response.responses) {
        for (const result of partitionResponses) {
          results.set({ topic: name, partition: result.index }, result)
        }
      }
      for (const { queue, queued } of sent) {
        const result = results.get(queue)
        if (result === undefined) {
          this.#failed(queue, queued, notAnswered(queue))
        } else if (result.errorCode === errorCode.NONE) {
          queue.acknowledge(queued, result.baseOffset)
          if (queue.first === undefined) this.#busy.delete(queue)
        } else {
          this.#refused(queue, queued, result.errorCode, result.errorMessage)
        }
      }
    } catch (error) {
      for (const { queue, queued } of sent) this.#failed(queue, queued, error)
    }
    this.#requests.set(leader.nodeId, (this.#requests.get(leader.nodeId) ?? 1) - 1)
    this.#sendReady()
  }

  #refused(queue: ProducerQueue, queued: QueuedBatch, code: number, detail: string | null): void {
    // The earlier batch that this one is out of order with is about to be repeated, and this one behind it.
    const isBehind = queue.first !== queued
    if (code === errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && isBehind) queue.repeat(queued)
    else {
      const failure = `Records could not be written to partition ${partitionName(queue)}`
      if (remedyFor(code) === 'refreshMetadata') this.#core.cluster.distrust([queue.topic])
      this.#failed(queue, queued, logError(code, failure, detail))
    }
  }

  /** Repeats the batch after a pause if that can help and its time is not used up; otherwise fails its queue. */
  #failed(queue: ProducerQueue, queued: QueuedBatch, error: unknown): void {
    queue.repeat(queued)
    if (queue.first !== queued) return
    const { clock, random } = this.#core.platform
    const now = clock.monotonic()
    if (isRepeatable(error) && now < queued.deadline) {
      if (error.code === 'CONNECTION_LOST') this.#core.cluster.distrust([queue.topic])
      queue.failures += 1
      queue.retryAt = now + backoffMs(queue.failures, random)
      const { topic, partition, failures } = queue
      this.#core.logger.debug(
        { topic, partition, failures, reason: error.message },
        'A batch could not be written; trying again.',
      )
      return
    }
    this.#giveUp(queue, error)
  }

  #giveUp(queue: ProducerQueue, error: unknown): void {
    const failure = error instanceof Error ? error : new Error(String(error))
    this.#identity = null
    this.#busy.delete(queue)
    queue.fail(failure)
    // Of a transaction either everything is written or nothing counts. The batch that is why was told first.
    if (this.#transactions !== undefined) this.failAll(failure)
  }

  #leadersLearnt(topics: readonly string[], failure: unknown): void {
    for (const queue of this.#busy) {
      if (!topics.includes(queue.topic) || this.#core.cluster.leader(queue) !== undefined) continue
      const error = failure ?? noLeader(queue)
      if (queue.first !== undefined) this.#failed(queue, queue.first, error)
    }
    this.#sendReady()
  }

  async #identify(): Promise<void> {
    if (this.#identifying) return
    this.#identifying = true
    try {
      this.#identity = await this.#newIdentity()
    } catch (error) {
      for (const queue of this.#busy) this.#giveUp(queue, error)
    }
    this.#identifying = false
    this.#sendReady()
  }

  #newIdentity(): Promise<ProducerIdentity> {
    if (this.#transactions !== undefined) return this.#transactions.identify()
    return retryingCall(
      this.#core,
      'asking for a producer id',
      async () => {
        const answer = await this.#core.cluster.askAnyBroker(initProducerId, {
          transactionalId: null,
          transactionTimeoutMs: replicationTimeoutMs,
          producerId: -1n,
          producerEpoch: -1,
        })
        if (answer.errorCode !== errorCode.NONE) {
          throw logError(answer.errorCode, 'No producer id was given')
        }
        const { producerId, producerEpoch } = answer
        return { producerId, producerEpoch, isTransactional: false }
      },
      this.#sleeper,
    )
  }

  #queue(partition: TopicPartition): ProducerQueue {
    let queue = this.#queues.get(partition)
    if (queue === undefined) {
      queue = new ProducerQueue(partition)
      this.#queues.set(partition, queue)
    }
    return queue
  }
}

const closed = (): MillraceError => new MillraceError('CLOSED', 'The producer was closed.')

const noLeader = (queue: TopicPartition): MillraceError =>
  logError(
    errorCode.LEADER_NOT_AVAILABLE,
    `Records could not be written to partition ${partitionName(queue)}`,
    'it does not exist or has no leader',
  )

const notAnswered = (queue: TopicPartition): MillraceError =>
  new MillraceError(
    'PROTOCOL_ERROR',
    `The broker left partition ${partitionName(queue)} out of its answer to Produce.`,
  )
