import type { TopicPartition } from '../client/log-client.ts'

/**
 * Hears how the stores of tasks are restored before these process; `partition` is that of the store's changelog, or of the
 * source topic that stands for it. Called between batches, so what takes long here holds restoring up. An error that it
 * throws stops the application. Kafka Streams' `StateRestoreListener`.
 */
export interface RestoreListener {
  /** Restoring begins at `startOffset` and ends before `endOffset`. */
  onRestoreStart?(
    partition: TopicPartition,
    store: string,
    startOffset: number,
    endOffset: number,
  ): void
  /** `records` more were applied; the store is now as of the records before `nextOffset`. */
  onBatchRestored?(
    partition: TopicPartition,
    store: string,
    nextOffset: number,
    records: number,
  ): void
  onRestoreEnd?(partition: TopicPartition, store: string, totalRecords: number): void
  /** The task was taken away before the end. */
  onRestoreSuspended?(partition: TopicPartition, store: string, totalRecords: number): void
}

/** The task runs here from now on, or the group has its state kept ready elsewhere. */
export type SuspendReason = 'promoted' | 'migrated'

/**
 * Hears how standbys follow their changelogs. An error that it throws stops the application. Kafka Streams'
 * `StandbyUpdateListener` (KIP-988).
 */
export interface StandbyUpdateListener {
  onUpdateStart?(partition: TopicPartition, store: string, startOffset: number): void
  /** `records` more were applied; the changelog goes to `endOffset` by now. */
  onBatchLoaded?(
    partition: TopicPartition,
    store: string,
    nextOffset: number,
    records: number,
    endOffset: number,
  ): void
  onUpdateSuspended?(
    partition: TopicPartition,
    store: string,
    nextOffset: number,
    endOffset: number,
    reason: SuspendReason,
  ): void
}
