import type { TopicPartition } from '../client/log-client.ts'

/**
 * Hears how the stores of tasks are restored before these process; `partition` is that of the store's changelog, or of the
 * source topic that stands for it. Called between batches, so what takes long here holds restoring up. An error that it
 * throws stops the application. Kafka Streams' `StateRestoreListener`.
 *
 * @example
 * ```ts
 * import type { RestoreListener } from 'millrace'
 *
 * const lines: string[] = []
 * const restoreListener: RestoreListener = {
 *   onRestoreStart({ partition }, store, start, end) {
 *     lines.push(`${store} ${partition}: records from ${start} to ${end}`)
 *   },
 *   onBatchRestored({ partition }, store, nextOffset) {
 *     lines.push(`${store} ${partition} is at ${nextOffset}`)
 *   },
 *   onRestoreEnd({ partition }, store, total) {
 *     lines.push(`${store} ${partition} has ${total} records`)
 *   },
 *   onRestoreSuspended({ partition }, store) {
 *     lines.push(`${store} ${partition} has moved on`)
 *   },
 * }
 * // An option of startApplication.
 * restoreListener.onRestoreEnd?.({ topic: 'app-counts-changelog', partition: 0 }, 'counts', 7)
 * lines // → ['counts 0 has 7 records']
 * ```
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
  /** The store is complete; the task processes when all its stores are. */
  onRestoreEnd?(partition: TopicPartition, store: string, totalRecords: number): void
  /** The task was taken away before the end. */
  onRestoreSuspended?(partition: TopicPartition, store: string, totalRecords: number): void
}

/** The task runs here from now on, or the group has its state kept ready elsewhere. */
export type SuspendReason = 'promoted' | 'migrated'

/**
 * Hears how standbys follow their changelogs. An error that it throws stops the application. Kafka Streams'
 * `StandbyUpdateListener` (KIP-988).
 *
 * @example
 * ```ts
 * import type { StandbyUpdateListener } from 'millrace'
 *
 * const lags = new Map<string, number>()
 * const standbyUpdateListener: StandbyUpdateListener = {
 *   onUpdateStart({ partition }, store) {
 *     lags.set(`${store} ${partition}`, Infinity)
 *   },
 *   onBatchLoaded({ partition }, store, nextOffset, _, endOffset) {
 *     lags.set(`${store} ${partition}`, endOffset - nextOffset)
 *   },
 *   onUpdateSuspended({ partition }, store) {
 *     lags.delete(`${store} ${partition}`)
 *   },
 * }
 * // An option of startApplication.
 * const changelog = { topic: 'app-counts-changelog', partition: 0 }
 * standbyUpdateListener.onBatchLoaded?.(changelog, 'counts', 90, 10, 120)
 * lags.get('counts 0') // → 30
 * ```
 */
export interface StandbyUpdateListener {
  /** A standby begins to follow the changelog at `startOffset`. */
  onUpdateStart?(partition: TopicPartition, store: string, startOffset: number): void
  /** `records` more were applied; the changelog goes to `endOffset` by now. */
  onBatchLoaded?(
    partition: TopicPartition,
    store: string,
    nextOffset: number,
    records: number,
    endOffset: number,
  ): void
  /** It follows no more: it was applied up to `nextOffset`, and the changelog goes to `endOffset`. */
  onUpdateSuspended?(
    partition: TopicPartition,
    store: string,
    nextOffset: number,
    endOffset: number,
    reason: SuspendReason,
  ): void
}
