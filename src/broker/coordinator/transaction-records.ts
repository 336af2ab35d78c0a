/**
 * The records of `__transaction_state` as the coordinator writes and reads them, in Apache Kafka's own format, so that its
 * tools can read them. Version 1 has room for a producer id before the present one; here that is the instance which asked
 * for the present one: of the same id it had the epoch before, of another id the last one that is given.
 */
import { transactionKey, transactionValue } from '../../protocol/internal-topics.ts'
import { decodeVersioned, encodeVersioned, versionOf } from '../../protocol/versioned.ts'
import type { CoordinatorRecord } from './coordinator-partition.ts'
import type { Moment } from './transaction.ts'
import {
  lastGivenEpoch,
  type ProducerInstance,
  type Transaction,
  type TransactionPhase,
  type TransactionSettings,
} from './transaction-state.ts'

/** By the number that stands in the record. */
const phases: readonly TransactionPhase[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
]

/** Null takes away what is known of the id. */
export function transactionRecord(
  transactionalId: string,
  transaction: Transaction | null,
): CoordinatorRecord {
  const key = encodeVersioned(transactionKey, 0, { transactionalId })
  if (transaction === null) return { key, value: null }
  const { producerId, producerEpoch, phase, previous, partitions } = transaction
  const value = encodeVersioned(transactionValue, previous === null ? 0 : 1, {
    producerId,
    producerEpoch,
    previousProducerId: previous?.producerId ?? -1n,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: phases.indexOf(phase),
    transactionPartitions:
      phase === 'Empty'
        ? null
        : [...partitions].map(([topic, ids]) => ({ topic, partitionIds: [...ids] })),
    lastUpdateTimestamp: transaction.updatedMs,
    startTimestamp: transaction.startedMs,
    clientTransactionVersion: 0,
  })
  return { key, value }
}

/**
 * The id of a record and what it says of it; undefined for other kinds of records, which other releases of Kafka write.
 * A transaction goes on with what is left of its timeout by the wall clock. Throws PROTOCOL_ERROR when key or value are
 * not what their version says.
 */
export function readTransaction(
  key: Buffer,
  value: Buffer | null,
  now: Moment,
  settings: TransactionSettings,
): { readonly transactionalId: string; readonly transaction: Transaction | null } | undefined {
  if (versionOf(key) !== 0) return undefined
  const { transactionalId } = decodeVersioned(transactionKey, key)
  if (value === null) return { transactionalId, transaction: null }
  const stored = decodeVersioned(transactionValue, value)
  const phase = phases[stored.transactionStatus]
  // Dead, with which Kafka precedes the removal of an id.
  if (phase === undefined) return { transactionalId, transaction: null }
  const partitions = (stored.transactionPartitions ?? []).map(
    ({ topic, partitionIds }) => [topic, new Set(partitionIds)] as const,
  )
  const transaction: Transaction = {
    transactionalId,
    producerId: stored.producerId,
    producerEpoch: stored.producerEpoch,
    phase,
    previous: previousInstance(stored),
    timeoutMs: stored.transactionTimeoutMs,
    partitions: new Map(partitions),
    startedMs: stored.startTimestamp,
    updatedMs: stored.lastUpdateTimestamp,
    deadlineMs: Infinity,
    connection: 0,
    newestConnection: 0,
  }
  return {
    transactionalId,
    transaction: { ...transaction, deadlineMs: deadlineAgain(transaction, now, settings) },
  }
}

function previousInstance(stored: {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly previousProducerId: bigint
}): ProducerInstance | null {
  const { producerId, producerEpoch, previousProducerId } = stored
  if (previousProducerId < 0n) return null
  return {
    producerId: previousProducerId,
    producerEpoch: previousProducerId === producerId ? producerEpoch - 1 : lastGivenEpoch,
  }
}

function deadlineAgain(
  { phase, startedMs, updatedMs, timeoutMs }: Transaction,
  { monotonicMs, wallMs }: Moment,
  { transactionalIdExpirationMs }: TransactionSettings,
): number {
  // The wall clock may have been set meanwhile, in either direction.
  const left = (sinceMs: number, lastsMs: number): number =>
    Math.min(Math.max(sinceMs + lastsMs - wallMs, 0), lastsMs)
  if (phase === 'Ongoing') return monotonicMs + left(startedMs, timeoutMs)
  if (phase === 'PrepareCommit' || phase === 'PrepareAbort') return Infinity
  return monotonicMs + left(updatedMs, transactionalIdExpirationMs)
}
