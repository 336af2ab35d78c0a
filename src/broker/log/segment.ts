/**
 * One segment: a `.log` file of record batches and its two sparse indexes (Kafka: LogSegment).
 *
 * A batch is found by the greatest index entry at or below the wanted offset, then by hopping from header to header.
 * Consumers mostly continue where they stopped, or read what was written last, so the newest batch boundaries are kept
 * in a small ring and found without either. Everything that comes from the disk is checked before it is used: an entry
 * of the offset index against the batch it points to, a header against the offset that must come next, a batch that is
 * handed out against its CRC.
 *
 * With transactions the segment also gets its aborted-transaction index (`.txnindex`); compaction replaces a run of
 * segments by one written anew.
 */
import { MillraceError } from '../../errors.ts'
import type { Files, OpenFile } from '../../platform/platform.ts'
import { batchProblem, scanBatches, type ScanEnd } from './batch-scan.ts'
import * as batch from '../../protocol/record-batch.ts'
import { segmentPath } from './file-names.ts'
import { OffsetIndex } from './offset-index.ts'
import { BoundaryRing } from './boundary-ring.ts'
import { TimeIndex } from './time-index.ts'

export interface SegmentOptions {
  readonly files: Files
  readonly folder: string
  readonly baseOffset: number
  readonly indexIntervalBytes: number
}

/** The log holds something else at `offset` than was written there. */
export class DamagedBatch extends MillraceError {
  readonly offset: number

  constructor(path: string, position: number, offset: number, problem: string) {
    super(
      'CORRUPT_DATA',
      `${path} is damaged at byte ${position}, where offset ${offset} should be: ${problem}. The partition is not ` +
        `served from there on. Restore the file from a copy, or delete the records below a later offset.`,
    )
    this.offset = offset
  }
}

/** Where a batch begins, and with which offset. */
export interface BatchPlace {
  readonly position: number
  readonly base: number
}

/** What one read needs besides the offset; see `Segment.read`. */
export interface ReadLimits {
  readonly maxBytes: number
  /** No batch that ends at or above this offset is returned. */
  readonly below: number
  /** The leader epoch that the batch at an offset must carry. */
  readonly epochAt: (offset: number) => number
}

const headerWindow = Buffer.alloc(8192)

export class Segment {
  readonly baseOffset: number
  readonly path: string
  sizeBytes = 0
  /** First offset after the segment. */
  endOffset: number
  /** When the segment was begun or opened, for `segment.ms` where records have no timestamps. */
  createdMs = 0
  /** The file may be longer than `sizeBytes`, by part of a write that failed. */
  #isTorn = false
  #maxTimestamp = -1
  #offsetOfMaxTimestamp = -1
  #firstTimestamp: number | undefined
  #bytesSinceEntry = 0
  #indexesLoaded = false
  #file: OpenFile | undefined
  readonly #offsets: OffsetIndex
  readonly #times: TimeIndex
  readonly #boundaries = new BoundaryRing()
  readonly #files: Files
  readonly #indexIntervalBytes: number

  constructor(options: SegmentOptions) {
    const { files, folder, baseOffset } = options
    this.#files = files
    this.#indexIntervalBytes = options.indexIntervalBytes
    this.baseOffset = baseOffset
    this.endOffset = baseOffset
    this.path = segmentPath(folder, baseOffset, 'log')
    this.#offsets = new OffsetIndex(files, segmentPath(folder, baseOffset, 'index'))
    this.#times = new TimeIndex(files, segmentPath(folder, baseOffset, 'timeindex'))
  }

  get file(): OpenFile {
    this.#file ??= this.#files.open(this.path)
    return this.#file
  }

  /** Makes the file of a new segment, empty whatever was there before. */
  create(): void {
    this.#file = this.#files.open(this.path, { create: true })
    if (this.#file.size() > 0) this.#file.truncate(0)
    this.#indexesLoaded = true
  }

  /** Largest timestamp in the segment, -1 when there is none. */
  get maxTimestamp(): number {
    this.#loadIndexes()
    return this.#maxTimestamp
  }

  /** Last offset of the batch that holds it. */
  get offsetOfMaxTimestamp(): number {
    this.#loadIndexes()
    return this.#offsetOfMaxTimestamp
  }

  /** Largest timestamp of the first batch: what `segment.ms` counts from. -1 when there is none. */
  get firstTimestamp(): number {
    if (this.#firstTimestamp === undefined) {
      const header = Buffer.alloc(batch.headerBytes)
      if (this.sizeBytes < header.length) return -1
      this.file.read(header, 0, header.length, 0)
      this.#firstTimestamp = batch.maxTimestamp(header, 0)
    }
    return this.#firstTimestamp
  }

  /**
   * Writes the batches, which have their offsets, behind the others in one write. When that fails the file is cut back
   * to what it was, at the latest before the next write.
   */
  append(batches: Buffer): void {
    if (this.#isTorn) this.#cutBack()
    try {
      this.file.write(batches, this.sizeBytes)
    } catch (error) {
      this.#isTorn = true
      this.#cutBack()
      throw error
    }
    for (let at = 0; at < batches.length;) {
      const size = batch.sizeInBytes(batches, at)
      this.note(batches, at)
      at += size
    }
  }

  #cutBack(): void {
    this.file.truncate(this.sizeBytes)
    this.#isTorn = false
  }

  /** Takes the batch at `at`, which lies in the file at `sizeBytes`, into size, indexes and timestamps. */
  note(buffer: Buffer, at: number): void {
    this.#loadIndexes()
    const last = batch.baseOffset(buffer, at) + batch.lastOffsetDelta(buffer, at)
    const position = this.sizeBytes
    this.#noteIn(buffer, at, position)
    this.#boundaries.add(last + 1, position + batch.sizeInBytes(buffer, at))
    this.sizeBytes += batch.sizeInBytes(buffer, at)
    this.endOffset = last + 1
  }

  #noteIn(buffer: Buffer, at: number, position: number): void {
    const due = this.#bytesSinceEntry > this.#indexIntervalBytes
    if (due) this.#bytesSinceEntry = 0
    const last = this.#noteUnindexed(buffer, at)
    if (!due) return
    this.#offsets.add(last - this.baseOffset, position)
    this.#noteMaxTimestamp()
  }

  #noteUnindexed(buffer: Buffer, at: number): number {
    const last = batch.nextOffset(buffer, at) - 1
    const timestamp = batch.maxTimestamp(buffer, at)
    if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
      this.#offsetOfMaxTimestamp = last
    }
    this.#bytesSinceEntry += batch.sizeInBytes(buffer, at)
    return last
  }

  #noteMaxTimestamp(): void {
    this.#times.add(this.#maxTimestamp, this.#offsetOfMaxTimestamp - this.baseOffset)
  }

  /** Makes the indexes durable as they are now. */
  async saveIndexes(): Promise<void> {
    if (!this.#indexesLoaded) return
    this.#noteMaxTimestamp()
    await this.#offsets.save()
    await this.#times.save()
  }

  #loadIndexes(): void {
    if (this.#indexesLoaded) return
    this.#indexesLoaded = true
    const complete = this.#offsets.load() && this.#times.load() && !this.#indexesReachTooFar()
    if (!complete || !this.#startFromIndexes()) this.rebuildIndexes()
  }

  #indexesReachTooFar(): boolean {
    return (
      this.#offsets.position(this.#offsets.count - 1) >= this.sizeBytes ||
      this.baseOffset + this.#times.offset(this.#times.count - 1) >= this.endOffset
    )
  }

  /** Where the next entries are due, and the largest timestamp; false when the last entries are not right. */
  #startFromIndexes(): boolean {
    const lastTime = this.#times.count - 1
    if (lastTime >= 0 && !this.#timeEntryHolds(lastTime)) return false
    this.#maxTimestamp = this.#times.timestamp(lastTime)
    this.#offsetOfMaxTimestamp = lastTime < 0 ? -1 : this.baseOffset + this.#times.offset(lastTime)
    const start = this.#entryBatch(this.#offsets.count - 1)
    if (start === undefined) return false
    // What follows the last entry of the offset index is in no time index yet.
    const range = { from: start.position, to: this.sizeBytes, offset: start.base }
    this.#bytesSinceEntry = 0
    scanBatches(this.file, range, (buffer, at) => {
      this.#noteUnindexed(buffer, at)
    })
    return true
  }

  /** The batch an entry of the offset index points to, the first for entry -1; undefined when another is there. */
  #entryBatch(entry: number): BatchPlace | undefined {
    if (entry < 0) return { position: 0, base: this.baseOffset }
    const position = this.#offsets.position(entry)
    const header = this.#bytesAt(position, batch.headerBytes)
    if (header.length < batch.headerBytes) return undefined
    const base = batch.baseOffset(header, 0)
    const last = base + batch.lastOffsetDelta(header, 0)
    return last === this.baseOffset + this.#offsets.offset(entry) ? { position, base } : undefined
  }

  /** An entry of the time index is right when it says of a batch what the batch says. */
  #timeEntryHolds(entry: number): boolean {
    const offset = this.baseOffset + this.#times.offset(entry)
    const timestamp = this.#times.timestamp(entry)
    try {
      const { position, base } = this.#find(offset)
      const header = this.#bytesAt(position, batch.headerBytes)
      const last = base + batch.lastOffsetDelta(header, 0)
      return last === offset && batch.maxTimestamp(header, 0) === timestamp
    } catch (error) {
      if (error instanceof DamagedBatch) return false
      throw error
    }
  }

  /**
   * Begins at the recovery point: what lies above it, in the file and in the indexes, is to be scanned and noted anew.
   * Indexes that were lost are made from the part below.
   */
  recoverFrom(position: number, offset: number): void {
    this.sizeBytes = position
    this.endOffset = offset
    this.#boundaries.clear()
    this.#indexesLoaded = true
    const complete = this.#offsets.load() && this.#times.load()
    this.#offsets.truncate(offset - this.baseOffset)
    this.#times.truncate(offset - this.baseOffset)
    if (!complete || !this.#startFromIndexes()) this.rebuildIndexes()
  }

  /** Makes the indexes from the log, as far as it is sound. */
  rebuildIndexes(): ScanEnd {
    this.#indexesLoaded = true
    this.#offsets.clear()
    this.#times.clear()
    this.#maxTimestamp = -1
    this.#offsetOfMaxTimestamp = -1
    this.#bytesSinceEntry = 0
    const range = { from: 0, to: this.sizeBytes, offset: this.baseOffset }
    return scanBatches(this.file, range, (buffer, at, position) => {
      this.#noteIn(buffer, at, position)
    })
  }

  /**
   * Whole batches from the one that holds `offset` on: at least that one, then as many as fit. Empty when that one does
   * not end below `limits.below`. Throws `DamagedBatch` when it is not what was written; a damaged one further on
   * just ends the result.
   */
  read(offset: number, limits: ReadLimits): Buffer {
    const { position, base } = this.#find(offset)
    const available = this.sizeBytes - position
    let buffer = this.#bytesAt(position, Math.min(Math.max(limits.maxBytes, 4096), available))
    if (buffer.length >= batch.headerBytes) {
      const first = batch.sizeInBytes(buffer, 0)
      if (first > buffer.length && first <= available) buffer = this.#bytesAt(position, first)
    }
    let at = 0
    let next = base
    // The first must be there: the segment reaches beyond `offset`.
    while (at === 0 || at < buffer.length) {
      const rest = buffer.length - at
      if (at > 0 && (rest < batch.headerBytes || batch.sizeInBytes(buffer, at) > rest)) break
      if (at > 0 && at + batch.sizeInBytes(buffer, at) > limits.maxBytes) break
      const problem =
        batchProblem(buffer, at, next) ?? epochProblem(buffer, at, limits.epochAt(next))
      if (problem !== null) {
        if (at > 0) break
        throw new DamagedBatch(this.path, position, base, problem)
      }
      const end = next + batch.lastOffsetDelta(buffer, at) + 1
      if (end > limits.below) break
      next = end
      at += batch.sizeInBytes(buffer, at)
    }
    if (at > 0) this.#boundaries.add(next, position + at)
    return buffer.subarray(0, at)
  }

  #bytesAt(position: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length)
    return buffer.subarray(0, this.file.read(buffer, 0, length, position))
  }

  /** Position and base offset of the batch that holds the offset. */
  #find(offset: number): BatchPlace {
    const known = this.#boundaries.positionOf(offset)
    if (known >= 0) return { position: known, base: offset }
    this.#loadIndexes()
    const start = this.#entryBatch(this.#offsets.countUpTo(offset - this.baseOffset) - 1)
    if (start !== undefined) return this.#hop(start, offset)
    // Either the index or the log is damaged. The rebuilt index ends where the log is damaged.
    const end = this.rebuildIndexes()
    if (end.problem !== null && end.nextOffset <= offset) {
      throw new DamagedBatch(this.path, end.position, end.nextOffset, end.problem)
    }
    return this.#find(offset)
  }

  /** Goes from header to header, from a known boundary to the batch that holds the offset. */
  #hop(from: BatchPlace, offset: number): BatchPlace {
    let { position, base } = from
    let windowStart = 0
    let windowEnd = 0
    for (;;) {
      if (position < windowStart || position + batch.headerBytes > windowEnd) {
        windowStart = position
        const length = Math.min(headerWindow.length, this.sizeBytes - position)
        windowEnd = position + (length > 0 ? this.file.read(headerWindow, 0, length, position) : 0)
      }
      const at = position - windowStart
      const problem =
        windowEnd - position < batch.headerBytes
          ? 'the file ends before it'
          : headerProblem(headerWindow, at, base)
      if (problem !== null) throw new DamagedBatch(this.path, position, base, problem)
      const next = base + batch.lastOffsetDelta(headerWindow, at) + 1
      if (next > offset) return { position, base }
      position += batch.sizeInBytes(headerWindow, at)
      base = next
    }
  }

  /** Where the batch that holds the offset begins. Throws `DamagedBatch` when it is not found. */
  locate(offset: number): BatchPlace {
    return offset === this.endOffset
      ? { position: this.sizeBytes, base: offset }
      : this.#find(Math.max(offset, this.baseOffset))
  }

  /** Where no batch before can hold a record at or after the timestamp. */
  locateTimestamp(timestamp: number): BatchPlace {
    this.#loadIndexes()
    const entry = this.#times.countBelow(timestamp) - 1
    if (entry < 0) return { position: 0, base: this.baseOffset }
    const offset = this.baseOffset + this.#times.offset(entry)
    if (this.#timeEntryHolds(entry)) return this.#find(offset)
    this.rebuildIndexes()
    return this.locateTimestamp(timestamp)
  }

  /** Cuts the segment off at a batch boundary. */
  truncate(position: number, offset: number): void {
    this.#loadIndexes()
    this.file.truncate(position)
    this.sizeBytes = position
    this.endOffset = offset
    this.#firstTimestamp = undefined
    this.#boundaries.clear()
    this.#offsets.truncate(offset - this.baseOffset)
    this.#times.truncate(offset - this.baseOffset)
    if (!this.#startFromIndexes()) this.rebuildIndexes()
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  /** Closes the segment and removes its files. */
  remove(): void {
    this.close()
    const kinds = ['log', 'index', 'timeindex'] as const
    for (const kind of kinds) this.#files.remove(this.path.replace(/log$/, kind))
  }
}

function headerProblem(buffer: Buffer, at: number, offset: number): string | null {
  if (batch.baseOffset(buffer, at) !== offset) {
    return `a batch with offset ${batch.baseOffset(buffer, at)} is there`
  }
  if (batch.sizeInBytes(buffer, at) < batch.headerBytes) return 'its size is too small'
  if (batch.lastOffsetDelta(buffer, at) < 0) return 'its last offset delta is negative'
  return null
}

function epochProblem(buffer: Buffer, at: number, epoch: number): string | null {
  const found = batch.partitionLeaderEpoch(buffer, at)
  return found === epoch ? null : `it has leader epoch ${found} instead of ${epoch}`
}
