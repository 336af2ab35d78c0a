import type { Logger } from '../../logger.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { type CoordinatorPartition, coordinatorPartition } from './coordinator-partition.ts'
import type { Moment } from './transaction.ts'
import { readTransaction } from './transaction-records.ts'
import type { Transaction, TransactionSettings } from './transaction-state.ts'

/** One partition of `__transaction_state` and the transactional ids that are kept in it. */
export interface TransactionShard {
  readonly partition: CoordinatorPartition
  readonly slots: Map<string, TransactionSlot>
}

/** Where the coordinator keeps one transactional id. */
export interface TransactionSlot {
  readonly transactionalId: string
  /** As written last, which a crash could still take back. Null when nothing is known of the id. */
  state: Transaction | null
  /** As of the last record that is durable. */
  settled: Transaction | null
  /** Who is to be told when the prepared transaction is complete, or that it cannot be. */
  readonly waiting: ((code: number) => void)[]
}

export interface TransactionShardOptions {
  readonly leaderEpoch: number
  readonly logger: Logger
  readonly config: TransactionSettings
  readonly now: Moment
}

/** Replays the partition: the last record of an id is what holds. Throws CORRUPT_DATA when it cannot be read. */
export function openTransactionShard(
  log: PartitionLog,
  options: TransactionShardOptions,
): TransactionShard {
  const { leaderEpoch, logger, config, now } = options
  const partition = coordinatorPartition(log, leaderEpoch, logger)
  const slots = new Map<string, TransactionSlot>()
  partition.replay({
    record(key, value) {
      const read = readTransaction(key, value, now, config)
      if (read === undefined) return
      const { transactionalId, transaction } = read
      if (transaction === null) slots.delete(transactionalId)
      else {
        const state = transaction
        slots.set(transactionalId, { transactionalId, state, settled: state, waiting: [] })
      }
    },
    // This topic is written outside of transactions.
    marker: () => undefined,
  })
  return { partition, slots }
}
