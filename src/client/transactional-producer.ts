/**
 * Transactions over the idempotent producer (KIP-98, KIP-447). The coordinator learns of a partition before the first
 * batch goes there, of a group before its offsets do, and of the end when all are acknowledged. Its requests go over a
 * connection of their own, one at a time: by the connection a broker tells a late request from one of the next
 * transaction.
 *
 * Whatever fails makes the transaction one that can only be aborted. Batches whose fate is unknown could still arrive
 * after that, as part of the next transaction: so the abort of a transaction with such batches takes a new epoch, under
 * which they are refused (KIP-360).
 */
import assert from 'node:assert/strict'
import { MillraceError } from '../errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { initProducerId } from '../protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../protocol/messages/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../protocol/messages/25-add-offsets-to-txn.ts'
import { Sleeper } from './backoff.ts'
import { BrokerConnections } from './broker-connections.ts'
import { retryingCall } from './client-core.ts'
import type { ClientCore } from './client-core.ts'
import { Coordinator } from './coordinator.ts'
import { isMembershipRefusal, logError } from './errors.ts'
import type {
  CommittedOffset,
  GroupIdentity,
  OffsetCommitter,
  PartitionBatch,
  PartitionOffset,
  TopicPartition,
  TransactionOptions,
  TransactionalProducer,
} from './log-client.ts'
import { KafkaLogProducer } from './log-producer.ts'
import { PartitionMap, byTopic, partitionName } from './partition-map.ts'
import { refusalIn, topicsOf } from './offset-commit.ts'
import type { ProducerIdentity } from './producer-sequence.ts'
import { commitOffsetsInTransaction, endTransaction } from './transaction-versions.ts'

export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #core: ClientCore
  readonly #transactionalId: string
  readonly #timeoutMs: number
  readonly #producer: KafkaLogProducer
  readonly #connections: BrokerConnections
  readonly #sleeper: Sleeper
  readonly #coordinator: Coordinator
  #identity: ProducerIdentity | null = null
  /** Partitions of the open transaction, those the coordinator is being told of included. */
  readonly #partitions = new PartitionMap<true>()
  readonly #groups = new Map<string, Coordinator>()
  /** Requests to the coordinator, one after another. */
  #asked: Promise<void> = Promise.resolve()
  #asking = 0
  /** Sends and commits of offsets that are not settled. */
  readonly #unsettled = new Set<Promise<unknown>>()
  /** Whether the coordinator was asked for anything since the last end, and whether it has agreed. */
  #begun = false
  #isKnown = false
  /** Why the open transaction can only be aborted. */
  #failure: Error | null = null
  /** Why this producer is of no more use. */
  #ended: Error | null = null

  constructor(core: ClientCore, options: TransactionOptions & { deliveryTimeoutMs: number }) {
    const { transactionalId, transactionTimeoutMs = 60_000, deliveryTimeoutMs } = options
    this.#core = core
    this.#transactionalId = transactionalId
    this.#timeoutMs = transactionTimeoutMs
    this.#connections = new BrokerConnections(core.connector)
    this.#sleeper = new Sleeper(core.platform.timers)
    this.#coordinator = new Coordinator(
      'transactional id',
      transactionalId,
      core.cluster,
      this.#connections,
    )
    const identify = (): Promise<ProducerIdentity> => this.#identify()
    const transactions = { transactionalId, identify }
    this.#producer = new KafkaLogProducer(core, { deliveryTimeoutMs, transactions })
    core.parts.add(this)
  }

  /** Takes over the transactional id: call once before anything else. Closes the producer when that fails. */
  async open(): Promise<void> {
    try {
      await this.#producer.open()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  send(
    batches: readonly PartitionBatch[],
    failed?: (index: number, error: Error) => void,
  ): Promise<PartitionOffset[]> {
    const refusal = this.#ended ?? this.#failure
    if (refusal !== null) return Promise.reject(refusal)
    const sent = this.#sendAdded(batches, failed)
    return this.#settling(sent)
  }

  sendOffsets(offsets: readonly CommittedOffset[], member: OffsetCommitter): Promise<void> {
    const refusal = this.#ended ?? this.#failure
    if (refusal !== null) return Promise.reject(refusal)
    return this.#settling(this.#inTurn(() => this.#sendOffsets(offsets, member)))
  }

  async #sendOffsets(offsets: readonly CommittedOffset[], member: OffsetCommitter): Promise<void> {
    let identity = member.identity()
    const { group } = identity
    let coordinator = this.#groups.get(group)
    if (coordinator === undefined) {
      coordinator = new Coordinator('group', group, this.#core.cluster, this.#connections)
      this.#groups.set(group, coordinator)
      await this.#addOffsets(group)
    }
    // A generation that begins on the way is no reason to give up the work: what the member had is still its own.
    while (!(await this.#commitOffsets(coordinator, offsets, identity))) {
      identity = await member.renewed(identity)
    }
  }

  async commit(): Promise<void> {
    while (this.#unsettled.size > 0) await Promise.allSettled(this.#unsettled)
    const refusal = this.#ended ?? this.#failure
    if (refusal !== null) throw refusal
    if (!this.#begun) return
    try {
      await this.#end(true)
    } catch (error) {
      this.#ended = asError(error)
      throw error
    }
    this.#forget()
  }

  async abort(): Promise<void> {
    if (this.#ended === null) this.#failure ??= aborted()
    this.#producer.failAll(this.#failure ?? aborted())
    while (this.#unsettled.size > 0) await Promise.allSettled(this.#unsettled)
    if (this.#ended !== null) throw this.#ended
    try {
      if (this.#begun) await this.#end(false)
      // What has begun nothing so far may still do so, if it was only late.
      const isUnsure = this.#begun && !this.#isKnown
      if (isUnsure || this.#producer.needsIdentity) await this.#producer.open()
    } catch (error) {
      this.#ended = asError(error)
      throw error
    }
    this.#forget()
  }

  async close(): Promise<void> {
    this.#ended ??= new MillraceError('CLOSED', 'The producer was closed.')
    this.#sleeper.close()
    await this.#producer.close()
    await this.#connections.close()
    this.#core.parts.delete(this)
  }

  async #settling<T>(sent: Promise<T>): Promise<T> {
    this.#unsettled.add(sent)
    try {
      return await sent
    } catch (error) {
      this.#fail(error)
      throw error
    } finally {
      this.#unsettled.delete(sent)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= asError(error)
  }

  #forget(): void {
    this.#partitions.clear()
    this.#groups.clear()
    this.#begun = false
    this.#isKnown = false
    this.#failure = null
  }

  async #sendAdded(
    batches: readonly PartitionBatch[],
    failed?: (index: number, error: Error) => void,
  ): Promise<PartitionOffset[]> {
    // Noted at once: what is sent between a failure and its promise must not get into the log.
    const gaveUp = (index: number, error: Error): void => {
      this.#fail(error)
      failed?.(index, error)
    }
    const added = batches.filter(batch => this.#partitions.get(batch) === undefined)
    let offsets: PartitionOffset[]
    // Behind others, too, that wait for the coordinator: the order in a partition is that of the calls.
    if (added.length === 0 && this.#asking === 0) {
      offsets = await this.#producer.send(batches, gaveUp)
    } else {
      for (const partition of added) this.#partitions.set(partition, true)
      let sent: Promise<PartitionOffset[]> | undefined
      try {
        await this.#inTurn(async () => {
          if (added.length > 0) await this.#addPartitions(added)
          if (this.#failure === null) sent = this.#producer.send(batches, gaveUp)
        })
      } catch (error) {
        for (const index of batches.keys()) gaveUp(index, asError(error))
      }
      offsets = sent === undefined ? batches.map(unwritten) : await sent
    }
    if (failed === undefined && this.#failure !== null) throw this.#failure
    return offsets
  }

  /** Runs after everything that the coordinators were asked before, unless something has failed. */
  async #inTurn(ask: () => Promise<void>): Promise<void> {
    this.#asking += 1
    const before = this.#asked
    const { promise, resolve: done } = Promise.withResolvers<void>()
    this.#asked = promise
    try {
      await before
      if (this.#failure === null) {
        this.#begun = true
        await ask()
        this.#isKnown = true
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#asking -= 1
    done()
    if (this.#failure !== null) throw this.#failure
  }

  async #identify(): Promise<ProducerIdentity> {
    const { producerId = -1n, producerEpoch = -1 } = this.#identity ?? {}
    const failure = `Transactional id '${this.#transactionalId}' could not be taken over`
    this.#identity = await this.#ask('taking over a transactional id', async () => {
      const answer = await this.#coordinator.request(initProducerId, {
        transactionalId: this.#transactionalId,
        transactionTimeoutMs: this.#timeoutMs,
        producerId,
        producerEpoch,
      })
      this.#check(answer.errorCode, failure)
      return {
        producerId: answer.producerId,
        producerEpoch: answer.producerEpoch,
        isTransactional: true,
      }
    })
    return this.#identity
  }

  async #addPartitions(partitions: readonly TopicPartition[]): Promise<void> {
    const body = {
      ...this.#speaker(),
      topics: [...byTopic(partitions)].map(([name, entries]) => ({
        name,
        partitions: entries.map(entry => entry.partition),
      })),
    }
    await this.#ask('adding partitions to a transaction', async () => {
      const { results } = await this.#coordinator.request(addPartitionsToTxn, body)
      for (const { name, resultsByPartition } of results) {
        for (const { partitionIndex, partitionErrorCode: code } of resultsByPartition) {
          // Others of the request are why, and say so themselves.
          if (code === errorCode.OPERATION_NOT_ATTEMPTED) continue
          const partition = partitionName({ topic: name, partition: partitionIndex })
          this.#check(code, `Partition ${partition} could not be added to the transaction`)
        }
      }
    })
  }

  async #addOffsets(groupId: string): Promise<void> {
    const body = { ...this.#speaker(), groupId }
    await this.#ask('adding offsets to a transaction', async () => {
      const answer = await this.#coordinator.request(addOffsetsToTxn, body)
      this.#check(
        answer.errorCode,
        `Offsets of group '${groupId}' could not be added to the transaction`,
      )
    })
  }

  /** False when the group knows no such member of this generation. */
  async #commitOffsets(
    coordinator: Coordinator,
    offsets: readonly CommittedOffset[],
    { group, memberId, generation, instanceId }: GroupIdentity,
  ): Promise<boolean> {
    const body = {
      ...this.#speaker(),
      groupId: group,
      generationIdOrMemberEpoch: generation,
      memberId,
      groupInstanceId: instanceId,
      topics: topicsOf(offsets),
    }
    return this.#ask('committing offsets in a transaction', async () => {
      const { topics } = await coordinator.request(commitOffsetsInTransaction, body)
      const refusal = refusalIn(topics, coordinator, group)
      if (refusal === undefined) return true
      if (isMembershipRefusal(refusal.errorCode)) return false
      throw refusal.error
    })
  }

  async #end(committed: boolean): Promise<void> {
    const body = { ...this.#speaker(), committed }
    const failure = `The transaction could not be ${committed ? 'committed' : 'aborted'}`
    await this.#ask('ending a transaction', async () => {
      const answer = await this.#coordinator.request(endTransaction, body)
      const { errorCode: code } = answer
      const nothingBegan = !committed && !this.#isKnown && code === errorCode.INVALID_TXN_STATE
      if (!nothingBegan) this.#check(code, failure)
    })
  }

  #ask<T>(task: string, attempt: () => Promise<T>): Promise<T> {
    return retryingCall(this.#core, task, attempt, this.#sleeper)
  }

  #speaker(): { transactionalId: string; producerId: bigint; producerEpoch: number } {
    assert(this.#identity !== null, 'a producer is opened before it is used')
    const { producerId, producerEpoch } = this.#identity
    return { transactionalId: this.#transactionalId, producerId, producerEpoch }
  }

  /** Throws what an answer of the transaction coordinator means. */
  #check(code: number, failure: string): void {
    if (code === errorCode.NONE) return
    this.#coordinator.heed(code)
    throw logError(code, failure)
  }
}

const unwritten = ({ topic, partition }: TopicPartition): PartitionOffset => ({
  topic,
  partition,
  offset: -1,
})

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error))

const aborted = (): MillraceError =>
  new MillraceError('LOG_ERROR', 'The transaction was aborted before everything was written.')
