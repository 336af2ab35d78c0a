/**
 * The coordinator of all transactional ids: the shell around `step` (transaction.ts). It finds the id in its shard, lets
 * the step decide, writes what the step wants written and lets it hold from then on, answers when it is durable, and wakes
 * the id when it is due (wake-ups.ts).
 *
 * A transaction ends in three steps: the outcome is written; when that is durable, every partition gets its marker; when
 * those are durable, it is complete, and only now the producer is answered. Whatever fails in between, and a restart too,
 * goes on from the outcome that was written until it is through.
 */
import assert from 'node:assert/strict'
import type { Logger } from '../../logger.ts'
import type { Platform } from '../../platform/platform.ts'
import { errorCode, errorName } from '../../protocol/error-codes.ts'
import { consumerOffsetsTopic, transactionStateTopic } from '../../protocol/internal-topics.ts'
import type { BrokerConfig } from '../config.ts'
import type { ProducerIds } from '../producer-ids.ts'
import { answerTo } from '../request-refused.ts'
import type { Topic, Topics } from '../topics.ts'
import { partitionOfKey } from './key-partition.ts'
import {
  type AddInput,
  type EndInput,
  type InitInput,
  type Moment,
  needsProducerId,
  step,
  type TransactionInput,
} from './transaction.ts'
import type { MarkerWriter } from './transaction-markers.ts'
import { transactionRecord } from './transaction-records.ts'
import {
  openTransactionShard,
  type TransactionShard,
  type TransactionSlot,
} from './transaction-shard.ts'
import {
  hasPartition,
  isPrepared,
  type ProducerInstance,
  type Transaction,
} from './transaction-state.ts'
import { wakeUps } from './wake-ups.ts'

export interface TransactionCoordinator {
  /** Makes the topic that transactions are kept in, if it is not there yet. */
  ready(): Promise<void>
  /**
   * A new instance of the producer of this id, which shuts out those before it and aborts what they left open. Waits for
   * that abort, unless nobody waits for the answer any more (`ended`).
   */
  initProducerId(
    request: Omit<InitInput, 'kind' | 'freshProducerId'>,
    ended: AbortSignal,
  ): Promise<InitAnswer>
  /** Adds partitions to the transaction and begins it with the first. The error code of the answer. */
  addPartitions(transactionalId: string, request: Omit<AddInput, 'kind'>): Promise<number>
  /** Adds the partition that the group's offsets are kept in. The error code of the answer. */
  addOffsets(transactionalId: string, groupId: string, request: Speaker): Promise<number>
  /**
   * Commits or aborts. Resolves with NONE when that is done in every partition, pending offsets included: until then with
   * nothing, however long the disk does not take it.
   */
  endTxn(transactionalId: string, request: Omit<EndInput, 'kind'>): Promise<number>
  /**
   * NONE when this producer may write to this partition in its transaction now (KIP-890). Asked for every transactional
   * batch, so that none can come late and open a transaction that nobody ends. INVALID_PRODUCER_ID_MAPPING,
   * INVALID_PRODUCER_EPOCH; CONCURRENT_TRANSACTIONS while the answer may still change by itself; INVALID_TXN_STATE, for which
   * newer clients are told TRANSACTION_ABORTABLE (api/transaction-codes.ts).
   */
  isOngoing(
    transactionalId: string,
    producerId: bigint,
    producerEpoch: number,
    topic: string,
    partition: number,
  ): number
  /** What is known of the id, null when nothing is. Told when it is durable; a code when it never will be. */
  describe(transactionalId: string): Promise<Transaction | null | number>
  /** What is known of all ids. Told when it is durable; a code when it never will be. */
  list(): Promise<Transaction[] | number>
  /** What is known of all ids as it is in memory: a crash could still take the last change back. */
  states(): Transaction[]
  /** Whether a transaction that has not ended everywhere has this partition. */
  holds(producerId: bigint, topic: string, partition: number): boolean
  /** Answers everybody who waits and starts no more timers. */
  stop(): void
}

/** Which instance of a producer speaks, and on which connection. */
export type Speaker = Pick<AddInput, 'producer' | 'connection'>

export interface InitAnswer extends ProducerInstance {
  readonly errorCode: number
}

export interface TransactionCoordinatorOptions {
  readonly platform: Platform
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly topics: Pick<Topics, 'get'>
  readonly producerIds: Pick<ProducerIds, 'next'>
  readonly markers: MarkerWriter
  readonly leaderEpoch: number
  /** The number of the connection that was opened last. */
  newestConnection(): number
  ensureTopic(): Promise<Topic>
  /** The topic of the groups' offsets, once the groups can be told how transactions end there. */
  offsetsTopic(): Promise<Topic>
}

/** Pause before something that the disk did not take is tried again. */
const RETRY_MS = 500

/** Markers that a partition refuses so: it has heard of a later end of a transaction of this producer. */
const superseded: ReadonlySet<number> = new Set([
  errorCode.INVALID_PRODUCER_EPOCH,
  errorCode.TRANSACTION_COORDINATOR_FENCED,
])

/** Replays what is stored and goes on with transactions whose outcome is. Throws CORRUPT_DATA when it cannot be read. */
export function openTransactionCoordinator(
  options: TransactionCoordinatorOptions,
): TransactionCoordinator {
  const { platform, config, logger, topics, producerIds, markers, leaderEpoch } = options
  const { clock, timers } = platform
  const shards: TransactionShard[] = []
  const alarms = wakeUps<TransactionSlot>({ clock, timers })
  const retries = wakeUps<TransactionSlot>({ clock, timers })
  let idCount = 0
  let stopped = false

  const stored = topics.get(transactionStateTopic)
  if (stored !== undefined) openShards(stored)

  function openShards(topic: Topic): void {
    if (shards.length > 0) return
    for (const log of topic.partitions) {
      shards.push(openTransactionShard(log, { leaderEpoch, logger, config, now: moment() }))
    }
    for (const shard of shards) {
      for (const slot of shard.slots.values()) {
        idCount++
        wakeAt(shard, slot, slot.state?.deadlineMs ?? Infinity)
        if (slot.state !== null && isPrepared(slot.state)) void complete(shard, slot, slot.state)
      }
    }
    if (idCount > 0) {
      logger.info({ ids: idCount }, 'The transaction coordinator has its transactional ids again.')
    }
  }

  async function ready(): Promise<void> {
    if (shards.length === 0) openShards(await options.ensureTopic())
  }

  function shardOf(transactionalId: string): TransactionShard {
    const shard = shards[partitionOfKey(transactionalId, shards.length)]
    assert(shard !== undefined, 'the coordinator is ready')
    return shard
  }

  function moment(): Moment {
    const newestConnection = options.newestConnection()
    return { monotonicMs: clock.monotonic(), wallMs: clock.now(), newestConnection }
  }

  /** Puts one thing to the step function. The error code is to be told when everything written so far is durable. */
  function apply(shard: TransactionShard, slot: TransactionSlot, input: TransactionInput): number {
    const now = moment()
    const { next, write, errorCode: code } = step(slot.state, input, now, config)
    if (write) {
      const { transactionalId } = slot
      const refusal = shard.partition.write([transactionRecord(transactionalId, next)], now.wallMs)
      if (refusal !== errorCode.NONE) return refusal
      const phase = next?.phase ?? 'forgotten'
      logger.debug({ transactionalId, cause: input.kind }, `The transaction is now ${phase}.`)
    }
    if (slot.state === null && next !== null) {
      shard.slots.set(slot.transactionalId, slot)
      idCount++
    }
    slot.state = next
    if (next === null) forget(shard, slot)
    else wakeAt(shard, slot, next.deadlineMs)
    if (write) settle(shard, slot)
    return code
  }

  function forget(shard: TransactionShard, slot: TransactionSlot): void {
    alarms.cancel(slot)
    shard.slots.delete(slot.transactionalId)
    idCount--
  }

  function wakeAt(shard: TransactionShard, slot: TransactionSlot, atMs: number): void {
    alarms.wakeAt(slot, atMs, () => {
      const code = apply(shard, slot, { kind: 'tick' })
      if (code !== errorCode.NONE) wakeAt(shard, slot, clock.monotonic() + RETRY_MS)
    })
  }

  /** Lets the state that was just written count as durable when it is; if it is prepared, the markers follow. */
  function settle(shard: TransactionShard, slot: TransactionSlot): void {
    const { state } = slot
    const settled = (code: number): void => {
      if (code !== errorCode.NONE) return answerWaiting(slot, code)
      slot.settled = state
      if (state !== null && isPrepared(state)) void complete(shard, slot, state)
    }
    const durable = shard.partition.durable()
    if (typeof durable === 'number') settled(durable)
    else void durable.then(settled)
  }

  /** Writes all markers and then that the transaction is complete, again and again until nothing is left to do. */
  async function complete(
    shard: TransactionShard,
    slot: TransactionSlot,
    prepared: Transaction,
  ): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = prepared
    const type = prepared.phase === 'PrepareCommit' ? 'commit' : 'abort'
    const marker = { producerId, producerEpoch, type, coordinatorEpoch: leaderEpoch } as const
    let left = [...prepared.partitions].flatMap(([topic, partitions]) =>
      [...partitions].map(partition => ({ topic, partition })),
    )
    for (let attempt = 1; ; attempt++) {
      const codes = await Promise.all(
        left.map(({ topic, partition }) => markers.write(topic, partition, marker)),
      )
      if (stopped) return
      // A partition that is gone was deleted with its topic.
      const isDone = (code: number | undefined): boolean =>
        code === errorCode.NONE ||
        code === errorCode.UNKNOWN_TOPIC_OR_PARTITION ||
        (code !== undefined && superseded.has(code))
      let problem = codes.find(code => !isDone(code)) ?? errorCode.NONE
      left = left.filter((_, index) => !isDone(codes[index]))
      if (left.length === 0) problem = apply(shard, slot, { kind: 'ended' })
      if (problem === errorCode.NONE) break
      if (attempt === 1) {
        logger.error(
          { transactionalId, partitions: left, code: errorName(problem) },
          `The ${type} of a transaction could not be written everywhere: it is tried again until it can.`,
        )
      }
      await new Promise<void>(resolve => {
        retries.wakeAt(slot, clock.monotonic() + RETRY_MS, resolve)
      })
    }
    answerWaiting(slot, errorCode.NONE)
  }

  /** Resolves with NONE when the prepared transaction of the slot is complete. */
  function completion(slot: TransactionSlot): Promise<number> {
    return new Promise(resolve => slot.waiting.push(resolve))
  }

  function answerWaiting(slot: TransactionSlot, code: number): void {
    for (const answer of slot.waiting.splice(0)) answer(code)
  }

  /** The slot that an id is in, or one that it will be in once something of it is written. */
  function slotOf(shard: TransactionShard, transactionalId: string): TransactionSlot {
    return (
      shard.slots.get(transactionalId) ?? {
        transactionalId,
        state: null,
        settled: null,
        waiting: [],
      }
    )
  }

  function states(): Transaction[] {
    return shards.flatMap(({ slots }) =>
      [...slots.values()].flatMap(({ state }) => (state === null ? [] : [state])),
    )
  }

  async function ask(transactionalId: string, input: AddInput): Promise<number> {
    await ready()
    if (stopped) return errorCode.COORDINATOR_NOT_AVAILABLE
    const shard = shardOf(transactionalId)
    return told(shard, apply(shard, slotOf(shard, transactionalId), input))
  }

  /** The code, once everything that led to it is durable. */
  async function told(shard: TransactionShard, code: number): Promise<number> {
    const lost = await shard.partition.durable()
    return lost === errorCode.NONE ? code : lost
  }

  async function init(
    request: Omit<InitInput, 'kind' | 'freshProducerId'>,
    ended: AbortSignal,
    freshProducerId: bigint | null,
  ): Promise<InitAnswer> {
    await ready()
    if (stopped) return refused(errorCode.COORDINATOR_NOT_AVAILABLE)
    const shard = shardOf(request.transactionalId)
    const slot = slotOf(shard, request.transactionalId)
    if (slot.state === null && idCount >= config.maxTransactionalIds) {
      return refused(errorCode.POLICY_VIOLATION)
    }
    if (freshProducerId === null && needsProducerId(slot.state)) {
      const fresh = await reserveProducerId()
      return typeof fresh === 'number' ? refused(fresh) : init(request, ended, fresh)
    }
    const code = apply(shard, slot, { kind: 'init', ...request, freshProducerId })
    const { state } = slot
    if (code === errorCode.CONCURRENT_TRANSACTIONS && !ended.aborted) {
      const complete = completion(slot)
      // Of a partition that has failed nothing will be complete.
      const lost = (await told(shard, errorCode.NONE)) || (await complete)
      if (lost !== errorCode.NONE) return refused(lost)
      return ended.aborted ? refused(code) : init(request, ended, freshProducerId)
    }
    const answer = await told(shard, code)
    if (answer !== errorCode.NONE || state === null) return refused(answer)
    return { errorCode: answer, producerId: state.producerId, producerEpoch: state.producerEpoch }
  }

  async function reserveProducerId(): Promise<bigint | number> {
    try {
      return await producerIds.next()
    } catch (error) {
      answerTo(error, logger)
      return errorCode.COORDINATOR_NOT_AVAILABLE
    }
  }

  return {
    ready,
    initProducerId: (request, ended) => init(request, ended, null),
    addPartitions: (transactionalId, request) => ask(transactionalId, { kind: 'add', ...request }),
    async addOffsets(transactionalId, groupId, request) {
      const { partitions } = await options.offsetsTopic()
      const partition = partitionOfKey(groupId, partitions.length)
      const added = new Map([[consumerOffsetsTopic, new Set([partition])]])
      return ask(transactionalId, { kind: 'add', ...request, partitions: added })
    },
    async endTxn(transactionalId, request) {
      await ready()
      if (stopped) return errorCode.COORDINATOR_NOT_AVAILABLE
      const shard = shardOf(transactionalId)
      const slot = slotOf(shard, transactionalId)
      const code = apply(shard, slot, { kind: 'end', ...request })
      const isDecided = code === errorCode.NONE && slot.state !== null && isPrepared(slot.state)
      return isDecided ? completion(slot) : told(shard, code)
    },
    isOngoing(transactionalId, producerId, producerEpoch, topic, partition) {
      if (shards.length === 0) return errorCode.INVALID_PRODUCER_ID_MAPPING
      const slot = shardOf(transactionalId).slots.get(transactionalId)
      if (slot?.state?.producerId !== producerId) return errorCode.INVALID_PRODUCER_ID_MAPPING
      const { state, settled } = slot
      if (state.producerEpoch !== producerEpoch) return errorCode.INVALID_PRODUCER_EPOCH
      if (isPrepared(state)) return errorCode.CONCURRENT_TRANSACTIONS
      if (state.phase !== 'Ongoing' || !hasPartition(state.partitions, topic, partition)) {
        return errorCode.INVALID_TXN_STATE
      }
      // Before that is durable a crash would leave a batch in the partition and nobody who knows of it.
      const isSafe =
        settled?.phase === 'Ongoing' && hasPartition(settled.partitions, topic, partition)
      return isSafe ? errorCode.NONE : errorCode.CONCURRENT_TRANSACTIONS
    },
    async describe(transactionalId) {
      if (shards.length === 0) return null
      const shard = shardOf(transactionalId)
      const { state } = slotOf(shard, transactionalId)
      const lost = await told(shard, errorCode.NONE)
      return lost === errorCode.NONE ? state : lost
    },
    async list() {
      const found = states()
      for (const shard of shards) {
        const lost = await told(shard, errorCode.NONE)
        if (lost !== errorCode.NONE) return lost
      }
      return found
    },
    states,
    holds(producerId, topic, partition) {
      for (const { slots } of shards) {
        for (const { state } of slots.values()) {
          if (state?.producerId !== producerId) continue
          if (hasPartition(state.partitions, topic, partition)) return true
        }
      }
      return false
    },
    stop() {
      stopped = true
      alarms.stop()
      retries.stop()
      for (const { slots } of shards) {
        for (const slot of slots.values()) {
          answerWaiting(slot, errorCode.COORDINATOR_NOT_AVAILABLE)
        }
      }
    },
  }
}

function refused(code: number): InitAnswer {
  return { errorCode: code, producerId: -1n, producerEpoch: -1 }
}
