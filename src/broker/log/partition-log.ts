/**
 * The log of one partition: the room behind `openPartitionLog`.
 *
 * Batches go in and out as the bytes the producer sent; only their headers are read. `append` is one synchronous write
 * to the newest segment (segment.ts), what makes it durable comes after it, for all writers together (group-commit.ts).
 * From time to time a recovery point is taken (checkpoint.ts): everything below is durable with its indexes, leader
 * epochs and producer snapshot, so opening the folder has to look only at what lies above (recovery.ts).
 *
 * Transactions: producer-state.ts knows which are open here, segments keep the aborted ones (aborted-transactions.ts), and
 * watermarks.ts says how far a reader of committed data may go.
 *
 * Where replication goes: `append` with offsets and epochs that the leader assigned, a high watermark set by the quorum
 * instead of the local flush, `truncateTo` and `epochEndOffset` on the follower. Both exist.
 */
import path from 'node:path'
import { MillraceError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { Clock, Files } from '../../platform/platform.ts'
import { buildControlBatch, type EndTransactionMarker } from '../../protocol/control-batch.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import * as batch from '../../protocol/record-batch.ts'
import type { AbortedTransaction } from './aborted-transactions.ts'
import { AppendRefused } from './append-refused.ts'
import { isPastMaxLag } from './compaction/cleanable.ts'
import { Compaction, type CompactionRound } from './compaction/compaction.ts'
import { reachesRecord, readToRecord } from './compaction/sparse-batches.ts'
import { GroupCommit } from './group-commit.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { claimFolder } from './partition-metadata.ts'
import type { CompletedTransaction, ProducerEntry, ProducerState } from './producer-state.ts'
import { loadProducers } from './load-producers.ts'
import { recoverLog, type RecoveredLog } from './recovery.ts'
import { recompress } from './recompress.ts'
import { RecoveryPoint } from './recovery-point.ts'
import { countExpired } from './retention.ts'
import type { BatchPlace } from './batch-place.ts'
import { DamagedBatch } from './damaged-batch.ts'
import type { Segment } from './segment.ts'
import { Segments } from './segments.ts'
import { isRollDue } from './roll.ts'
import { stampBatches } from './stamp.ts'
import type { TimestampedOffset } from './timestamp-lookup.ts'
import { validateBatches } from './validate.ts'
import { validateRecords } from './validate-records.ts'
import { Watermarks } from './watermarks.ts'

export interface PartitionLogOptions {
  readonly files: Files
  readonly clock: Clock
  /** `<data folder>/<topic>-<partition>`; created when absent. */
  readonly folder: string
  readonly config: LogConfig
  readonly logger: Logger
  /** Lower-case hexadecimal with dashes. Recorded in a new folder; must match in an old one. */
  readonly topicId: string
}

export interface AppendOptions {
  /** Epoch in which this node leads the partition; it never goes back. */
  readonly leaderEpoch: number
  /** The log numbers the records. (Batches numbered by another node will come with replication.) */
  readonly assignOffsets: true
  /** Given by the broker's coordinators, whose batches have no sequences (Kafka: AppendOrigin.COORDINATOR). */
  readonly origin?: 'coordinator'
}

/** See `PartitionLog.read`. */
export interface ReadOptions {
  /** @defaultValue the high watermark */
  readonly upTo?: number
  /** Gives memory to read into, at least so many bytes. @defaultValue new memory each time */
  readonly take?: (sizeBytes: number) => Buffer
}

/** Ends a producer's transaction in a partition. */
export interface TransactionMarker extends EndTransactionMarker {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface AppendResult {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Milliseconds since the epoch where the broker stamps the records, otherwise -1. */
  readonly logAppendTime: number
  /** The producer had sent the batch before; the offsets are those it got then. */
  readonly duplicate: boolean
}

const nothing = Buffer.alloc(0)

/**
 * Opens the log in a folder and recovers it if it was not closed. A new folder is made durable in its parent by the
 * caller, who may have made several. Throws FILE_ERROR when the folder cannot be used and
 * CORRUPT_DATA when it belongs to another topic. A damaged record batch does not keep the log from opening: `read`
 * refuses to pass it.
 */
export async function openPartitionLog(options: PartitionLogOptions): Promise<PartitionLog> {
  await claimFolder(options)
  const recovered = await recoverLog(options, options.clock.now())
  const log = new PartitionLog(options, recovered)
  if (recovered.scannedBytes > 0) await log.takeRecoveryPoint()
  return log
}

export class PartitionLog {
  readonly topicId: string
  /** Flushes to the device since the log was opened, and how long they took together. */
  readonly flushes = { count: 0, durationMs: 0 }
  /** First offset that can be read. */
  startOffset: number
  /** The offset that the next record gets. */
  endOffset: number
  /** Bytes that readers have come to see since the log was opened. */
  visibleBytes = 0

  readonly #options: PartitionLogOptions
  readonly #name: string
  readonly #segments: Segments
  readonly #epochs: LeaderEpochs
  readonly #producers: ProducerState
  readonly #point: RecoveryPoint
  readonly #compaction: Compaction
  readonly #commit: GroupCommit
  readonly #watermarks: Watermarks
  #damage: DamagedBatch | undefined
  #closed = false
  #isCutting = false
  /** Whether the last write failed: producers try again and again, and the log tells it once. */
  #isRefusingWrites = false
  #unsynced = new Set<Segment>()
  #folderChanged = false
  #bytesSinceRecoveryPoint = 0
  #appendedBytes = 0
  /** Those of them that the latest flush makes durable. */
  #flushedBytes = 0
  #maintenance: Promise<void> = Promise.resolve()

  /** For `openPartitionLog`. */
  constructor(options: PartitionLogOptions, recovered: RecoveredLog) {
    this.#options = options
    this.#name = path.basename(options.folder)
    this.topicId = options.topicId
    this.#segments = new Segments(options, recovered.segments)
    this.#epochs = recovered.epochs
    this.#producers = recovered.producers
    this.#point = new RecoveryPoint(options, recovered)
    this.#compaction = new Compaction(options, this.#segments, this.#producers)
    this.#damage = recovered.damage
    this.startOffset = recovered.startOffset
    this.endOffset = this.#segments.active.endOffset
    this.#watermarks = new Watermarks(this.endOffset, recovered.producers)
    this.#segments.active.createdMs = options.clock.now()
    this.#commit = new GroupCommit({
      durableEnd: this.endOffset,
      flush: () => this.#flush(),
      advanced: () => {
        this.visibleBytes = Math.max(this.visibleBytes, this.#flushedBytes)
        this.#watermarks.advance(this.#commit.durableEnd)
      },
      failed: cause => this.#flushFailed(cause),
    })
  }

  get segmentCount(): number {
    return this.#segments.all.length
  }

  /** Readers see what is below: the durable part, or unless `flush` is `commit` everything. */
  get highWatermark(): number {
    return this.#watermarks.high
  }

  /** Readers of committed data see what is below: no transaction that is open begins before it. */
  get lastStableOffset(): number {
    return Math.max(this.#watermarks.stable, Math.min(this.startOffset, this.highWatermark))
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    return this.#segments.sizeBytes
  }

  /**
   * Appends one or more whole batches in one write, stamping offsets and leader epoch into `batches`. What is written
   * becomes visible and `durable` later. A batch that an idempotent producer repeats is not written again. Throws
   * `AppendRefused` when a batch is not acceptable or the disk does not take it; the log is then as before.
   * (Kafka: UnifiedLog.appendAsLeader.)
   */
  append(batches: Buffer, options: AppendOptions): AppendResult {
    this.#refuseUnlessWritable(options.leaderEpoch)
    const { config, clock } = this.#options
    const now = clock.now()
    const place = { name: this.#name, isClient: options.origin !== 'coordinator' }
    validateBatches(batches, config, now, place)
    validateRecords(batches, config, this.#name)
    const known = this.#producers.check(batches, 0, place)
    if (known !== undefined) {
      const { baseOffset, lastOffset, logAppendTime } = known
      return { baseOffset, lastOffset, logAppendTime, duplicate: true }
    }
    const logAppendTime = config.messageTimestampType === 'LogAppendTime' ? now : -1
    const kept = recompress(batches, config, this.#name)
    return this.#appendChecked(kept, options.leaderEpoch, now, logAppendTime)
  }

  /**
   * Appends the marker that ends the producer's transaction in this partition, if it has one; a later marker of the same
   * transaction changes nothing. Becomes visible and `durable` as other batches do. Throws `AppendRefused` when the
   * marker is of an older producer or coordinator epoch than is known, or the disk does not take it.
   * (Kafka: UnifiedLog.appendAsLeader with AppendOrigin.COORDINATOR, ProducerAppendInfo.appendEndTxnMarker.)
   */
  appendMarker(marker: TransactionMarker, options: { readonly leaderEpoch: number }): AppendResult {
    this.#refuseUnlessWritable(options.leaderEpoch)
    const now = this.#options.clock.now()
    const { producerId, producerEpoch } = marker
    this.#producers.checkMarker(producerId, producerEpoch, marker, this.#name)
    const bytes = buildControlBatch({ ...marker, timestamp: now })
    return this.#appendChecked(bytes, options.leaderEpoch, now, -1)
  }

  #appendChecked(
    batches: Buffer,
    leaderEpoch: number,
    now: number,
    logAppendTime: number,
  ): AppendResult {
    const baseOffset = this.endOffset
    const end = stampBatches(batches, baseOffset, leaderEpoch, logAppendTime)
    this.#write(batches, end, now)

    this.#epochs.assign(leaderEpoch, baseOffset)
    for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
      const ended = this.#producers.update(batches, at, now)
      if (ended !== undefined) this.#noteEnded(ended)
    }
    this.endOffset = end
    this.#unsynced.add(this.#segments.active)
    this.#bytesSinceRecoveryPoint += batches.length
    this.#appendedBytes += batches.length
    this.#makeVisible(end)
    return { baseOffset, lastOffset: end - 1, logAppendTime, duplicate: false }
  }

  #makeVisible(end: number): void {
    const { flush, flushIntervalMessages } = this.#options.config
    if (flush !== 'commit') {
      this.visibleBytes = this.#appendedBytes
      this.#watermarks.advance(end)
    }
    const isDue = flush === 'interval' && end - this.#commit.durableEnd >= flushIntervalMessages
    if (flush === 'commit' || isDue) this.#commit.request()
  }

  #noteEnded(transaction: CompletedTransaction): void {
    const lastStableOffset = this.#watermarks.ended(transaction)
    if (!transaction.isAborted) return
    const { producerId, firstOffset, lastOffset } = transaction
    const { aborted } = this.#segments.active
    aborted.add({ producerId, firstOffset, lastOffset, lastStableOffset })
  }

  #refuseUnlessWritable(leaderEpoch: number): void {
    if (this.#closed) throw new MillraceError('CLOSED', `The log of ${this.#name} is closed.`)
    const { failure } = this.#commit
    if (failure !== undefined) {
      throw new AppendRefused(errorCode.KAFKA_STORAGE_ERROR, failure.message, {
        code: 'FILE_ERROR',
        cause: failure,
      })
    }
    if (this.#isCutting || leaderEpoch < this.#epochs.latest) {
      throw new AppendRefused(
        errorCode.NOT_LEADER_OR_FOLLOWER,
        this.#isCutting
          ? `${this.#name} is being truncated.`
          : `An append to ${this.#name} in leader epoch ${leaderEpoch} came after one in ${this.#epochs.latest}.`,
      )
    }
  }

  #write(batches: Buffer, end: number, now: number): void {
    try {
      if (isRollDue(this.#segments.active, this.#options.config, batches, end, now)) this.#roll(now)
      this.#segments.active.append(batches)
      if (this.#isRefusingWrites) this.#tellWrites()
    } catch (cause) {
      if (!(cause instanceof MillraceError)) throw cause
      if (!this.#isRefusingWrites) this.#tellWrites(cause)
      // What was written of it was cut off again: that too must be durable before anything after it is.
      this.#unsynced.add(this.#segments.active)
      const message = `Writing to ${this.#name} failed and nothing was appended: ${describe(cause)}`
      throw new AppendRefused(errorCode.KAFKA_STORAGE_ERROR, message, { code: 'FILE_ERROR', cause })
    }
  }

  #tellWrites(failure?: MillraceError): void {
    this.#isRefusingWrites = failure !== undefined
    const { logger } = this.#options
    const fields = { partition: this.#name, error: failure }
    if (failure === undefined) logger.info(fields, 'The partition can be written to again.')
    else logger.error(fields, `Producers get retriable errors until it works: ${failure.message}`)
  }

  #roll(now: number): void {
    // A closed segment ends where its last batch does: what is behind it would be taken for damage.
    const { active } = this.#segments
    if (active.cutTorn()) this.#unsynced.add(active)
    this.#segments.begin(this.endOffset, now)
    this.#folderChanged = true
    this.#point.noteProducers(this.endOffset)
    this.#takeRecoveryPointInBackground()
  }

  /**
   * Resolves when everything below `offset` is durable, if the log's `flush` is `commit`; otherwise at once. Everybody who waits is answered by
   * the same fdatasync. Rejects with FILE_ERROR when it failed: the log takes nothing more until it is opened again.
   */
  durable(offset: number): Promise<void> {
    return this.#options.config.flush !== 'commit' && this.#commit.failure === undefined
      ? Promise.resolve()
      : this.#commit.durable(offset)
  }

  /** Has what is written by now made durable soon, without anybody waiting for it. */
  requestFlush(): void {
    const isNeeded = this.endOffset > this.#commit.durableEnd
    if (isNeeded && !this.#closed && this.#commit.failure === undefined) this.#commit.request()
  }

  /** Makes durable what is written now, and resolves with the end of it. */
  async #flush(): Promise<number> {
    const end = this.endOffset
    this.#flushedBytes = this.#appendedBytes
    const segments = [...this.#unsynced]
    const isFolderChanged = this.#folderChanged
    this.#unsynced.clear()
    this.#folderChanged = false
    const started = this.#options.clock.monotonic()
    for (const segment of segments) await segment.file.sync()
    if (isFolderChanged) await this.#options.files.syncFolder(this.#options.folder)
    this.flushes.count += 1
    this.flushes.durationMs += this.#options.clock.monotonic() - started
    if (this.#bytesSinceRecoveryPoint > this.#options.config.recoveryPointIntervalBytes) {
      this.#bytesSinceRecoveryPoint = 0
      this.#takeRecoveryPointInBackground()
    }
    return end
  }

  #flushFailed(cause: unknown): MillraceError {
    const message =
      `Flushing ${this.#name} to the device failed, and what of the last writes is stored is unknown: the partition ` +
      `takes no more writes and shows nothing that was not flushed. Check the disk and restart the broker. ` +
      `(${describe(cause)})`
    this.#options.logger.error({ partition: this.#name }, message)
    return new MillraceError('FILE_ERROR', message, { cause })
  }

  /** Why the log takes no more writes: a flush failed. */
  get failure(): MillraceError | undefined {
    return this.#commit.failure
  }

  /** Calls the listener after every advance of the high watermark; the result ends that. */
  onHighWatermark(listener: (highWatermark: number) => void): () => void {
    return this.#watermarks.onAdvance(listener)
  }

  /**
   * Aborted transactions with records from `from` on and below `upTo`, in the order in which they began: a reader of
   * committed data leaves out what their producers wrote from the first offset on to the marker.
   */
  abortedTransactions(from: number, upTo: number): readonly AbortedTransaction[] {
    return this.#segments.abortedBetween(from, upTo)
  }

  /** The producer has an open transaction here. */
  isOpenTransaction(producerId: bigint): boolean {
    return this.#producers.isOpen(producerId)
  }

  /** What is known of the idempotent producers that wrote here. */
  get producers(): Iterable<Readonly<ProducerEntry>> {
    return this.#producers.entries
  }

  /**
   * Whole batches from the one that holds `fromOffset` (it may begin before): at least one if there is any below
   * `upTo`, by default the high watermark, then as many as fit into `maxBytes`. They come from one segment, so a
   * result below `maxBytes` does not mean that it was the last. Of a log with gaps it is more if need be, until there is a
   * record at or above `fromOffset`: there are clients that do not get on without one. Throws CORRUPT_DATA when the batch
   * is damaged or lies behind one that is, LOG_ERROR when the offset is not in the log, FILE_ERROR for what was written
   * before a failed flush. (Kafka: LocalLog.read.)
   */
  read(fromOffset: number, maxBytes: number, options: ReadOptions = {}): Buffer {
    this.#refuseRead(fromOffset)
    const visible = options.upTo ?? this.highWatermark
    if (fromOffset >= visible) return nothing
    const { failure, durableEnd } = this.#commit
    if (failure !== undefined && fromOffset >= durableEnd) throw failure
    const below = Math.min(visible, failure === undefined ? this.endOffset : durableEnd)
    const { take = allocate } = options
    const epochAt = (offset: number): number => this.#epochs.epochAt(offset)
    const limits = { maxBytes, below, epochAt, take }
    const from = (offset: number): Buffer =>
      this.#findingDamage(() => this.#segments.holding(offset).read(offset, limits))
    const found = from(fromOffset)
    return reachesRecord(found) ? found : readToRecord(found, below, from)
  }

  #refuseRead(offset: number): void {
    if (this.#closed) throw new MillraceError('CLOSED', `The log of ${this.#name} is closed.`)
    if (offset < this.startOffset || offset > this.endOffset) {
      const range = `${this.startOffset} to ${this.endOffset}`
      throw new MillraceError(
        'LOG_ERROR',
        `OFFSET_OUT_OF_RANGE: ${this.#name} has ${range}, not ${offset}.`,
      )
    }
    if (this.#damage !== undefined && offset >= this.#damage.offset) throw this.#damage
  }

  /** Runs a lookup; damage that it meets is reported once and remembered. */
  #findingDamage<T>(lookup: () => T): T {
    try {
      return lookup()
    } catch (error) {
      if (error instanceof DamagedBatch) this.#noteDamage(error)
      throw error
    }
  }

  #noteDamage(damage: DamagedBatch): void {
    if (this.#damage === undefined || damage.offset < this.#damage.offset) this.#damage = damage
    this.#options.logger.error({ partition: this.#name, offset: damage.offset }, damage.message)
  }

  /**
   * The first record below the high watermark at or after the timestamp (milliseconds), or null. Throws CORRUPT_DATA
   * when the answer lies behind damage. (Kafka: UnifiedLog.fetchOffsetByTimestamp.)
   */
  offsetForTimestamp(timestamp: number): TimestampedOffset | null {
    return this.#visible(() => this.#segments.firstRecordSince(timestamp, this.startOffset))
  }

  /** The record with the largest timestamp, the first of them; null when there is none. (KIP-734.) */
  offsetOfMaxTimestamp(): TimestampedOffset | null {
    return this.#visible(() => this.#segments.latestRecord())
  }

  #visible(lookup: () => TimestampedOffset | null): TimestampedOffset | null {
    const found = this.#findingDamage(lookup)
    return found !== null && found.offset < this.highWatermark ? found : null
  }

  /** See `LeaderEpochs.endOffset`. */
  epochEndOffset(epoch: number, current: number): { epoch: number; endOffset: number } {
    return this.#epochs.endOffset(epoch, this.endOffset, current)
  }

  /**
   * Makes durable what is written now with everything that goes with it, so that opening the folder later begins
   * there. Done by the log itself every so many bytes, after a roll, and by `close`.
   */
  takeRecoveryPoint(): Promise<void> {
    return this.#alone(() => this.#takeRecoveryPoint())
  }

  /** Maintenance of the folder is done one piece after another. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#maintenance.then(work)
    this.#maintenance = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }

  async #takeRecoveryPoint(): Promise<void> {
    const recoveryPoint = this.endOffset
    const { baseOffset: segment, sizeBytes: position } = this.#segments.active
    this.#point.noteProducers(recoveryPoint)
    this.#bytesSinceRecoveryPoint = 0
    await this.#commit.durable(recoveryPoint)
    await this.#segments.saveIndexes()
    const { startOffset } = this
    await this.#point.save({ recoveryPoint, segment, position, startOffset }, this.#segments.all)
  }

  /** A recovery point that fails costs the next opening time, nothing else. */
  #takeRecoveryPointInBackground(): void {
    this.takeRecoveryPoint().catch((error: unknown) => {
      this.#options.logger.warn(
        { partition: this.#name },
        `No recovery point could be taken, the next one is tried later: ${describe(error)}`,
      )
    })
  }

  /**
   * Cuts the log so that it ends at `offset`, or before it where a batch holds it. Those who wait for more to become
   * durable get LOG_ERROR_RETRIABLE. For a follower whose leader has another history; below the high watermark nothing
   * may be cut by anybody else. (Kafka: UnifiedLog.truncateTo.)
   */
  truncateTo(offset: number): Promise<void> {
    return this.#alone(() => this.#truncateTo(offset))
  }

  async #truncateTo(offset: number): Promise<void> {
    if (offset >= this.endOffset) return
    await this.#compaction.truncate(
      this.#segments.holding(Math.max(offset, this.startOffset)).baseOffset,
    )
    this.#isCutting = true
    try {
      await this.#commit.idle()
      if (this.#commit.failure !== undefined) throw this.#commit.failure
      const segment = this.#segments.holding(Math.max(offset, this.startOffset))
      const end = segment.locate(Math.max(offset, this.startOffset))
      // A batch that holds the start offset goes as a whole.
      this.startOffset = Math.min(this.startOffset, end.base)
      const { startOffset } = this
      // First, so that a crash in between never trusts what is about to go.
      if (this.#point.checkpoint.recoveryPoint > end.base) {
        const { base: recoveryPoint, position } = end
        const { baseOffset } = segment
        const checkpoint = { recoveryPoint, segment: baseOffset, position, startOffset }
        await this.#point.saveCheckpoint(checkpoint, this.#segments.all)
      }
      await this.#cut(segment, end)
    } finally {
      this.#isCutting = false
    }
  }

  async #cut(segment: Segment, end: BatchPlace): Promise<void> {
    const { files, folder, clock } = this.#options
    for (const later of this.#segments.removeAfter(segment)) this.#unsynced.delete(later)
    segment.truncate(end.position, end.base)
    this.endOffset = end.base
    this.#watermarks.truncate(end.base)
    this.#epochs.truncateFromEnd(end.base)
    this.#point.truncate(end.base)
    const message = `${this.#name} was truncated to offset ${end.base} before the write was durable.`
    this.#commit.truncate(end.base, new MillraceError('LOG_ERROR_RETRIABLE', message))
    const target = { state: this.#producers, now: clock.now() }
    loadProducers(this.#options, this.#segments.all, target, end.base)
    await segment.file.sync()
    await files.syncFolder(folder)
    await this.#point.saveEpochs()
  }

  /**
   * Removes the records below `offset` for readers, durably, and the segments that hold nothing else. Throws LOG_ERROR
   * above the high watermark. (Kafka: UnifiedLog.maybeIncrementLogStartOffset.)
   */
  deleteRecordsBefore(offset: number): Promise<void> {
    return this.#alone(() => this.#deleteRecordsBefore(offset))
  }

  async #deleteRecordsBefore(offset: number): Promise<void> {
    if (offset > this.highWatermark) {
      throw new MillraceError(
        'LOG_ERROR',
        `OFFSET_OUT_OF_RANGE: records of ${this.#name} can be deleted up to ${this.highWatermark}, not ${offset}.`,
      )
    }
    await this.#compaction.settle()
    if (offset > this.startOffset) {
      this.startOffset = offset
      if (this.#damage !== undefined && this.#damage.offset < offset) this.#damage = undefined
      this.#epochs.truncateFromStart(offset)
    }
    // An earlier call may have failed from here on, on a full disk for one.
    if (this.startOffset > this.#point.checkpoint.startOffset) await this.#takeRecoveryPoint()
    this.#segments.removeBefore(this.startOffset)
  }

  /**
   * Deletes the oldest segments that are wholly older than `retentionMs` or that make the log larger than
   * `retentionBytes`, and forgets producers idle for too long. `now`: milliseconds since the epoch.
   * (Kafka: UnifiedLog.deleteOldSegments.)
   */
  applyRetention(now: number): Promise<void> {
    return this.#alone(() => this.#applyRetention(now))
  }

  async #applyRetention(now: number): Promise<void> {
    const { config } = this.#options
    this.#producers.expire(now - config.producerIdExpirationMs)
    const expired = countExpired(this.#segments.all, config, now)
    if (expired === 0) return
    if (expired === this.#segments.all.length && this.#segments.active.sizeBytes > 0) {
      this.#roll(now)
    }
    const start = (this.#segments.all[expired] ?? this.#segments.active).baseOffset
    await this.#deleteRecordsBefore(Math.min(start, this.highWatermark))
  }

  /**
   * Of a log with `isCompacted`, when it is due: removes the records of closed segments that are followed by a newer one
   * with the same key, and old tombstones (see `Compaction`). Reads and appends go on meanwhile, in the pauses. When the
   * log is closed the round ends early. Throws CORRUPT_DATA where the log is damaged, FILE_ERROR; the log is then as good
   * as before, and the next round goes on.
   */
  compact(round: CompactionRound): Promise<void> {
    return this.#alone(() => this.#compact(round))
  }

  async #compact(round: CompactionRound): Promise<void> {
    const { config } = this.#options
    const { now } = round
    if (!config.isCompacted || this.#closed || this.#commit.failure !== undefined) return
    // Compaction never passes over damage: what lies behind it would be taken for all there is.
    if (this.#damage !== undefined) return
    await this.#compaction.settle()
    if (isPastMaxLag(this.#segments.active, config, now)) this.#roll(now)
    const cleanable = this.#compaction.cleanable(now, this.lastStableOffset)
    if (cleanable.length === 0) return
    await this.#takeRecoveryPoint()
    const pause = async (): Promise<void> => {
      await round.pause()
      if (this.#closed) throw new MillraceError('CLOSED', `The log of ${this.#name} is closed.`)
    }
    try {
      await this.#compaction.run(cleanable, { ...round, pause })
    } catch (error) {
      if (error instanceof DamagedBatch) this.#noteDamage(error)
      if (!this.#closed) throw error
    }
  }

  /** Makes everything durable and closes the files, so that the next opening has nothing to recover. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      if (this.#commit.failure === undefined) await this.takeRecoveryPoint()
    } finally {
      await this.#releaseFiles()
    }
  }

  /** Closes the log and removes its folder, durably. */
  async remove(): Promise<void> {
    const { files, folder } = this.#options
    this.#closed = true
    await this.#releaseFiles()
    files.remove(folder)
    await files.syncFolder(path.dirname(folder))
  }

  async #releaseFiles(): Promise<void> {
    await this.#maintenance
    await this.#commit.idle()
    this.#watermarks.close()
    this.#segments.close()
  }
}

const allocate = (sizeBytes: number): Buffer => Buffer.allocUnsafe(sizeBytes)

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
