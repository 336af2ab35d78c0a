/**
 * The coordinator of one transactional id as a step function: no clock, no promise, no file. Each call takes one thing
 * that happened and answers with what the id is from now on, whether that must be written, and the error code for who
 * asked. Nothing holds before its record is written, and nobody is told before it is durable. Rules are those of
 * `TransactionCoordinator` and `TransactionMetadata` of Apache Kafka (KIP-98, KIP-360) with its first version of
 * transactions, in which a producer keeps its epoch from one transaction to the next.
 *
 * Differs from Apache Kafka:
 * - A late request must not act on a new transaction. With the epoch unchanged, only its connection tells it from the
 *   requests of that one. A producer asks one thing after another, so one whose answer it waits for no more was sent on a
 *   connection that was there when the producer spoke next: requests are taken on the connection that spoke last and on
 *   those opened since. Any other is refused, and its connection is closed (api/transaction-codes.ts), so that a client
 *   with several of them is not shut out: what it opens then is new.
 * - InitProducerId names the instance it comes from (KIP-360): only the present one may end the transaction with it. Kafka
 *   looks at the producer id alone. When the present one does, the epoch made to fence it is the one that it gets.
 */
import assert from 'node:assert/strict'
import { errorCode } from '../../protocol/error-codes.ts'
import {
  isPrepared,
  isSameInstance,
  lastGivenEpoch,
  noPartitions,
  type ProducerInstance,
  type TopicPartitions,
  type Transaction,
  type TransactionSettings,
  unionOf,
} from './transaction-state.ts'

export interface InitInput {
  readonly kind: 'init'
  readonly transactionalId: string
  readonly timeoutMs: number
  /** The instance that asks for a newer one; null when it starts anew. */
  readonly expected: ProducerInstance | null
  /** A producer id that nobody has had; must be there when `needsProducerId` says so. */
  readonly freshProducerId: bigint | null
}

export interface AddInput {
  readonly kind: 'add'
  readonly producer: ProducerInstance
  readonly partitions: TopicPartitions
  readonly connection: number
}

export interface EndInput {
  readonly kind: 'end'
  readonly producer: ProducerInstance
  readonly type: EndType
  readonly connection: number
}

export type EndType = 'abort' | 'commit'

export type TransactionInput =
  | InitInput
  | AddInput
  | EndInput
  /** Every partition of the prepared transaction has its marker, durably. */
  | { readonly kind: 'ended' }
  /** Time has passed. */
  | { readonly kind: 'tick' }

/** The same moment on both clocks, in milliseconds, and as connections count. */
export interface Moment {
  /** Must not go backwards between calls. */
  readonly monotonicMs: number
  /** For the record and for people to look at. */
  readonly wallMs: number
  /** The number of the connection that was opened last. */
  readonly newestConnection: number
}

export interface TransactionStep {
  /** Null when nothing is known of the id any more. */
  readonly next: Transaction | null
  /** `next` must be written before it holds. */
  readonly write: boolean
  readonly errorCode: number
}

/** Whether `init` will need a new producer id. */
export function needsProducerId(known: Transaction | null): boolean {
  return known === null || (isIdle(known) && known.producerEpoch >= lastGivenEpoch)
}

function isIdle(known: Transaction): boolean {
  return known.phase !== 'Ongoing' && !isPrepared(known)
}

export function step(
  known: Transaction | null,
  input: TransactionInput,
  now: Moment,
  settings: TransactionSettings,
): TransactionStep {
  switch (input.kind) {
    case 'init':
      return init(known, input, now, settings)
    case 'add':
      return add(known, input, now)
    case 'end':
      return end(known, input, now)
    case 'ended':
      return ended(known, now, settings)
    case 'tick':
      break
  }
  return tick(known, now)
}

function init(
  known: Transaction | null,
  input: InitInput,
  now: Moment,
  settings: TransactionSettings,
): TransactionStep {
  const { transactionalId, timeoutMs, expected } = input
  if (timeoutMs <= 0 || timeoutMs > settings.transactionMaxTimeoutMs) {
    return refuse(known, errorCode.INVALID_TRANSACTION_TIMEOUT)
  }
  const isCurrent = known === null || expected === null || isSameInstance(expected, known)
  const isRepeated =
    expected !== null &&
    known !== null &&
    known.previous !== null &&
    isSameInstance(expected, known.previous)
  if (!isCurrent && !isRepeated) return refuse(known, errorCode.PRODUCER_FENCED)
  if (known !== null && isPrepared(known)) return refuse(known, errorCode.CONCURRENT_TRANSACTIONS)
  if (known?.phase === 'Ongoing') {
    // By now the producer has used what it was given: it is not the one that asks again.
    if (!isCurrent) return refuse(known, errorCode.PRODUCER_FENCED)
    return { ...fence(known, expected, now), errorCode: errorCode.CONCURRENT_TRANSACTIONS }
  }
  if (isRepeated && known.producerEpoch <= lastGivenEpoch) return keep(known)
  return written({
    transactionalId,
    phase: 'Empty',
    ...nextInstance(known, input.freshProducerId),
    previous: known === null ? null : expected,
    timeoutMs,
    partitions: noPartitions,
    startedMs: -1,
    updatedMs: now.wallMs,
    deadlineMs: now.monotonicMs + settings.transactionalIdExpirationMs,
    connection: 0,
    newestConnection: 0,
  })
}

function nextInstance(known: Transaction | null, fresh: bigint | null): ProducerInstance {
  if (known !== null && !needsProducerId(known)) {
    return { producerId: known.producerId, producerEpoch: known.producerEpoch + 1 }
  }
  assert(fresh !== null, 'a new producer id was asked for beforehand')
  return { producerId: fresh, producerEpoch: 0 }
}

/** Aborts, with an epoch that shuts out the instance that had the transaction. */
function fence(
  known: Transaction,
  previous: ProducerInstance | null,
  now: Moment,
): TransactionStep {
  assert(known.producerEpoch <= lastGivenEpoch, 'one epoch is left for fencing')
  return prepare({ ...known, producerEpoch: known.producerEpoch + 1, previous }, 'abort', now)
}

function prepare(known: Transaction, type: EndType, now: Moment): TransactionStep {
  return written({
    ...known,
    phase: type === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    updatedMs: now.wallMs,
    deadlineMs: Infinity,
  })
}

function add(known: Transaction | null, input: AddInput, now: Moment): TransactionStep {
  const problem = problemOf(known, input)
  if (known === null || problem !== errorCode.NONE) return refuse(known, problem)
  if (isPrepared(known)) return refuse(known, errorCode.CONCURRENT_TRANSACTIONS)
  const heard = hear(known, input, now)
  if (known.phase === 'Ongoing') {
    const partitions = unionOf(known.partitions, input.partitions)
    if (partitions === known.partitions) return keep(heard)
    return written({ ...heard, partitions, updatedMs: now.wallMs })
  }
  if (input.partitions.size === 0) return keep(heard)
  return written({
    ...heard,
    phase: 'Ongoing',
    partitions: input.partitions,
    startedMs: now.wallMs,
    updatedMs: now.wallMs,
    deadlineMs: now.monotonicMs + known.timeoutMs,
  })
}

function end(known: Transaction | null, input: EndInput, now: Moment): TransactionStep {
  const problem = problemOf(known, input)
  if (known === null || problem !== errorCode.NONE) return refuse(known, problem)
  const { type } = input
  const is = (commit: Transaction['phase'], abort: Transaction['phase']): boolean =>
    known.phase === (type === 'commit' ? commit : abort)
  if (known.phase === 'Ongoing') return prepare(hear(known, input, now), type, now)
  if (is('PrepareCommit', 'PrepareAbort')) return refuse(known, errorCode.CONCURRENT_TRANSACTIONS)
  if (is('CompleteCommit', 'CompleteAbort')) return keep(hear(known, input, now))
  return refuse(known, errorCode.INVALID_TXN_STATE)
}

function problemOf(known: Transaction | null, input: AddInput | EndInput): number {
  const { producer, connection } = input
  if (known === null || known.producerId !== producer.producerId) {
    return errorCode.INVALID_PRODUCER_ID_MAPPING
  }
  // The epoch behind the last given one is nobody's: there would be none left to fence who takes it for his.
  const isGiven = known.producerEpoch <= lastGivenEpoch
  if (known.producerEpoch !== producer.producerEpoch || !isGiven) return errorCode.PRODUCER_FENCED
  const isKnown = connection === known.connection
  return isKnown || connection > known.newestConnection ? errorCode.NONE : errorCode.NOT_COORDINATOR
}

/** The producer has spoken. */
function hear(
  known: Transaction,
  { connection }: AddInput | EndInput,
  { newestConnection }: Moment,
): Transaction {
  return { ...known, connection, newestConnection }
}

function ended(
  known: Transaction | null,
  now: Moment,
  settings: TransactionSettings,
): TransactionStep {
  assert(known !== null && isPrepared(known), 'only a prepared transaction ends')
  return written({
    ...known,
    phase: known.phase === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    partitions: noPartitions,
    startedMs: -1,
    updatedMs: now.wallMs,
    deadlineMs: now.monotonicMs + settings.transactionalIdExpirationMs,
  })
}

function tick(known: Transaction | null, now: Moment): TransactionStep {
  if (known === null || known.deadlineMs > now.monotonicMs) return keep(known)
  if (known.phase === 'Ongoing') return fence(known, null, now)
  return { next: null, write: true, errorCode: errorCode.NONE }
}

function written(next: Transaction): TransactionStep {
  return { next, write: true, errorCode: errorCode.NONE }
}

function keep(next: Transaction | null): TransactionStep {
  return { next, write: false, errorCode: errorCode.NONE }
}

function refuse(known: Transaction | null, code: number): TransactionStep {
  return { next: known, write: false, errorCode: code }
}
