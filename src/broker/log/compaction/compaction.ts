/**
 * Compaction of one log (Kafka: Cleaner, LogCleanerManager). A round goes over the part that was not compacted yet and
 * notes the newest offset of each key there; then it writes the log from its start up to there anew, run of segments by
 * run, without what is not the newest of its key, and swaps each run in (swap.ts). Segments are swapped in the order of
 * their offsets, so a tombstone gets its delete horizon only when nothing that it deletes is left before it.
 *
 * Readers never wait and never see a mixture: they read one batch synchronously from one segment or from its replacement,
 * which holds the same offsets. Offsets stay without gaps from batch to batch: where batches went, one without records
 * stands for their offsets (`gapBatch`), so that a missing batch is still told from a removed one.
 *
 * Records of aborted transactions are neither noted nor kept, and a marker goes some time after the last of its
 * transaction (transaction-cleaning.ts).
 */
import type { OpenFile } from '../../../platform/platform.ts'
import { RecordReader } from '../../../protocol/record-batch-reader.ts'
import * as batch from '../../../protocol/record-batch.ts'
import { encodeAborted } from '../aborted-transactions.ts'
import type { BatchPlace } from '../batch-place.ts'
import { scanBatches } from '../batch-scan.ts'
import { DamagedBatch } from '../damaged-batch.ts'
import type { ProducerState } from '../producer-state.ts'
import { type LogFolder, openSegment } from '../recovery.ts'
import type { Segment } from '../segment.ts'
import type { Segments } from '../segments.ts'
import { type CleaningRules, cleanBatch, emptyBatch, gapBatch } from './clean-batch.ts'
import { cleanableSegments, groupSegments } from './cleanable.ts'
import { readFirstDirtyOffset, writeFirstDirtyOffset } from './cleaner-checkpoint.ts'
import { OffsetMap } from './offset-map.ts'
import {
  beginSwap,
  cleanedAbortedPath,
  cleanedPath,
  finishSwap,
  removeUnfinished,
  type Swap,
} from './swap.ts'
import { TransactionCleaning } from './transaction-cleaning.ts'

/** Memory for the keys of one pass; more of them take several passes. */
const offsetMapBytes = 64 << 20
/** Bytes of log between two pauses, in which the broker serves its clients. */
const bytesBetweenPauses = 256 << 10
const writeBytes = 1 << 20

export interface CompactionRound {
  /** The broker's time in milliseconds. */
  readonly now: number
  /** Resolves when it may go on; rejects to end the round. */
  readonly pause: () => Promise<void>
  /** Memory for keys, in bytes. @defaultValue 64 MiB */
  readonly offsetMapBytes?: number
}

interface Pass {
  readonly rules: CleaningRules
  /** End of what was noted: what lies above stays as it is. */
  readonly end: number
  /** Last offsets of the newest batch of each producer: of these batches at least the header stays. */
  readonly producerEnds: ReadonlySet<number>
  readonly transactions: TransactionCleaning
}

export class Compaction {
  readonly #log: LogFolder
  readonly #segments: Segments
  readonly #producers: ProducerState
  readonly #reader = new RecordReader({ checkCrc: false })
  #firstDirty: number
  /** There may be files of a round that failed. */
  #isUnsettled = false
  /** A swap that counts and is not finished on disk. */
  #pending: Swap | undefined

  constructor(log: LogFolder, segments: Segments, producers: ProducerState) {
    this.#log = log
    this.#segments = segments
    this.#producers = producers
    const firstDirty = readFirstDirtyOffset(log.files, log.folder)
    this.#firstDirty = Math.min(firstDirty, segments.active.endOffset)
  }

  /** What may be compacted now and is worth it. `now`: the broker's time in milliseconds. */
  cleanable(now: number, lastStableOffset: number): readonly Segment[] {
    const { config } = this.#log
    const limits = { now, lastStableOffset }
    return cleanableSegments(this.#segments.all, this.#firstDirty, config, limits)
  }

  /** Brings the folder in order after a round that failed; before that nothing else may be removed from it. */
  async settle(): Promise<void> {
    if (!this.#isUnsettled) return
    if (this.#pending !== undefined) await finishSwap(this.#pending)
    this.#pending = undefined
    removeUnfinished(this.#log.files, this.#log.folder)
    this.#isUnsettled = false
  }

  /** The log is about to be cut at the offset: what comes after it will be new. */
  async truncate(offset: number): Promise<void> {
    await this.settle()
    if (offset < this.#firstDirty) await this.#saveFirstDirty(offset)
  }

  /**
   * Compacts the segments that `cleanable` gave, all of whose content must be durable. Throws `DamagedBatch`,
   * CORRUPT_DATA for records that cannot be decoded, FILE_ERROR, and what `pause` throws; all is then as it was or
   * compacted in part.
   */
  async run(cleanable: readonly Segment[], round: CompactionRound): Promise<void> {
    const end = cleanable.at(-1)?.endOffset ?? 0
    let segments = cleanable
    for (;;) {
      const newest = new OffsetMap(round.offsetMapBytes ?? offsetMapBytes)
      // All that began below `end` have ended: nothing at or above the last stable offset is compacted.
      const transactions = new TransactionCleaning(this.#segments.abortedBetween(0, end))
      const notedEnd = await this.#noteNewest(segments, newest, transactions, round)
      if (notedEnd <= this.#firstDirty) return
      const pass: Pass = {
        rules: { newest, now: round.now, deleteRetentionMs: this.#log.config.deleteRetentionMs },
        end: notedEnd,
        producerEnds: this.#producers.newestOffsets(),
        transactions,
      }
      const involved = segments.filter(segment => segment.baseOffset < notedEnd)
      for (const group of groupSegments(involved, this.#log.config.segmentBytes)) {
        await this.#clean(group, pass, round)
      }
      await this.#saveFirstDirty(notedEnd)
      if (!newest.isFull) return
      segments = this.#segments.all.filter(segment => segment.endOffset <= end)
    }
  }

  async #saveFirstDirty(offset: number): Promise<void> {
    await writeFirstDirtyOffset(this.#log.files, this.#log.folder, offset)
    this.#firstDirty = offset
  }

  /** Notes the newest offsets from the first dirty batch on, until the map is full; returns the offset up to which. */
  async #noteNewest(
    segments: readonly Segment[],
    newest: OffsetMap,
    transactions: TransactionCleaning,
    round: CompactionRound,
  ): Promise<number> {
    // The last batch of a log stays as it is: a client that does not count empty batches must find a record at the end.
    const logEnd = this.#segments.active.endOffset
    const reader = this.#reader
    let end = this.#firstDirty
    for (const segment of segments) {
      if (segment.endOffset <= end) continue
      const first = segment.baseOffset < end ? segment.locate(end) : undefined
      await visitBatches(segment, first, round.pause, (bytes, base) => {
        if (batch.nextOffset(bytes) >= logEnd || newest.isFull) return false
        end = base + batch.lastOffsetDelta(bytes) + 1
        if (batch.isControl(bytes) || transactions.isAborted(bytes)) return true
        reader.reset(bytes)
        while (reader.next()) if (reader.key !== null) newest.put(reader.key, reader.offset)
        return true
      })
      if (newest.isFull) break
    }
    return end
  }

  /** Writes one run of segments anew and swaps it in, unless it would be the same. */
  async #clean(group: readonly Segment[], pass: Pass, round: CompactionRound): Promise<void> {
    const { files, folder } = this.#log
    const first = group[0]
    const last = group.at(-1)
    if (first === undefined || last === undefined) return
    await this.settle()
    this.#isUnsettled = true
    const target = openSegment(this.#log, first.baseOffset)
    const file = files.open(cleanedPath(folder, first.baseOffset), { create: true })
    let isSwapped = false
    try {
      target.writeTo(file)
      const isChanged = await this.#write(group, file, target, pass, round)
      if (isChanged || group.length > 1) {
        await file.sync()
        await this.#keepAborted(group, target, pass.end)
        const swap = { files, folder, base: first.baseOffset, end: last.endOffset }
        await beginSwap(swap)
        this.#segments.replace(group, target)
        this.#pending = swap
        isSwapped = true
      }
    } finally {
      if (!isSwapped) file.close()
    }
    await this.settle()
  }

  /** Of transactions whose markers are below `end` nothing is left that would have to be left out. */
  async #keepAborted(group: readonly Segment[], target: Segment, end: number): Promise<void> {
    const aborted = group.flatMap(segment => segment.aborted.all)
    if (aborted.length === 0) return
    const kept = aborted.filter(({ lastOffset }) => lastOffset >= end)
    target.aborted.restart(kept)
    const { files, folder } = this.#log
    await files.replace(cleanedAbortedPath(folder, target.baseOffset), encodeAborted(kept))
  }

  /** Writes what stays of the run; returns whether that is something else than what was there. */
  async #write(
    group: readonly Segment[],
    file: OpenFile,
    target: Segment,
    pass: Pass,
    round: CompactionRound,
  ): Promise<boolean> {
    let isChanged = false
    let chunks: Buffer[] = []
    let chunkBytes = 0
    let written = 0
    let gap: Buffer | undefined
    const put = (bytes: Buffer): void => {
      target.note(bytes, 0)
      chunks.push(Buffer.from(bytes))
      chunkBytes += bytes.length
    }
    const closeGap = (end: number): void => {
      if (gap !== undefined) put(gapBatch(gap, end))
      gap = undefined
    }
    const flush = (): void => {
      if (chunks.length > 0) file.write(Buffer.concat(chunks), written)
      written += chunkBytes
      chunks = []
      chunkBytes = 0
    }
    for (const segment of group) {
      await visitBatches(segment, undefined, round.pause, (bytes, base) => {
        const cleaned = this.#cleaned(bytes, pass)
        if (cleaned !== bytes && !isGap(bytes)) isChanged = true
        if (cleaned === null) {
          const epoch = batch.partitionLeaderEpoch(bytes)
          if (gap !== undefined && batch.partitionLeaderEpoch(gap) !== epoch) closeGap(base)
          gap ??= Buffer.from(bytes.subarray(0, batch.headerBytes))
          return true
        }
        closeGap(base)
        put(cleaned)
        if (chunkBytes >= writeBytes) flush()
        return true
      })
    }
    closeGap(group.at(-1)?.endOffset ?? 0)
    flush()
    return isChanged
  }

  /** What stays of a batch, the same bytes when all does; null when only its offsets must be accounted for. */
  #cleaned(bytes: Buffer, pass: Pass): Buffer | null {
    const next = batch.nextOffset(bytes)
    if (next > pass.end) return bytes
    if (batch.isControl(bytes)) return this.#cleanedMarker(bytes, pass)
    const cleaned = this.#cleanedData(bytes, pass, pass.producerEnds.has(next - 1))
    if (cleaned !== null) pass.transactions.keep(cleaned)
    return cleaned
  }

  /** `isEnd`: the last batch of its producer, of which at least the header stays. */
  #cleanedData(bytes: Buffer, pass: Pass, isEnd: boolean): Buffer | null {
    const isEmpty = batch.recordCount(bytes) === 0
    const isGone = isEmpty || pass.transactions.isAborted(bytes)
    const cleaned = isGone ? null : cleanBatch(bytes, this.#reader, pass.rules)
    if (cleaned !== null || !isEnd) return cleaned
    return isEmpty ? bytes : emptyBatch(bytes)
  }

  #cleanedMarker(bytes: Buffer, { rules, transactions }: Pass): Buffer | null {
    if (this.#producers.hasOnlyMarker(batch.producerId(bytes), batch.producerEpoch(bytes))) {
      return bytes
    }
    const { now, deleteRetentionMs } = rules
    const horizon = Math.min(now + deleteRetentionMs, Number.MAX_SAFE_INTEGER)
    return transactions.cleanMarker(bytes, this.#reader, { now, horizon })
  }
}

/** Whether it stands for batches that went. */
function isGap(bytes: Buffer): boolean {
  return batch.recordCount(bytes) === 0 && batch.producerId(bytes) < 0n
}

/**
 * Visits the batches of a segment, checked, from a place on until `visit` returns false, with pauses. The bytes are those
 * of the one batch, and only until `visit` returns. Throws `DamagedBatch`.
 */
async function visitBatches(
  segment: Segment,
  from: BatchPlace | undefined,
  pause: () => Promise<void>,
  visit: (bytes: Buffer, base: number) => boolean,
): Promise<void> {
  let place = from ?? { position: 0, base: segment.baseOffset }
  for (;;) {
    if (place.position >= segment.sizeBytes) return
    await pause()
    const start = place.position
    let goesOn = true
    const range = { from: start, to: segment.sizeBytes, offset: place.base }
    const end = scanBatches(segment.file, range, (buffer, at, position) => {
      const size = batch.sizeInBytes(buffer, at)
      goesOn = visit(buffer.subarray(at, at + size), batch.baseOffset(buffer, at))
      return goesOn && position + size - start < bytesBetweenPauses
    })
    if (end.problem !== null) {
      throw new DamagedBatch(segment.path, end.position, end.nextOffset, end.problem)
    }
    if (!goesOn) return
    place = { position: end.position, base: end.nextOffset }
  }
}
