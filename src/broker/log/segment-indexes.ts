/**
 * The two sparse indexes of a segment: one entry for every so many bytes of log.
 *
 * A batch is found by the greatest entry at or below the wanted offset, then by hopping from header to header. The files
 * are loaded when they are first needed. What an entry says is checked against the batch it speaks of before it is used;
 * indexes that are missing, or wrong, are made anew from the log.
 */
import type { Files } from '../../platform/platform.ts'
import * as batch from '../../protocol/record-batch.ts'
import { type BatchFile, type BatchPlace, hop } from './batch-place.ts'
import { scanBatches, type ScanEnd } from './batch-scan.ts'
import { DamagedBatch } from './damaged-batch.ts'
import { segmentPath } from './file-names.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'

/** The log that is indexed; it grows and is cut, and says so here. */
export interface IndexedLog extends BatchFile {
  readonly baseOffset: number
  readonly endOffset: number
}

export interface SegmentIndexesOptions {
  readonly files: Files
  readonly folder: string
  readonly indexIntervalBytes: number
}

export class SegmentIndexes {
  readonly #log: IndexedLog
  readonly #offsets: OffsetIndex
  readonly #times: TimeIndex
  readonly #intervalBytes: number
  #isLoaded = false
  #maxTimestamp = -1
  #offsetOfMaxTimestamp = -1
  #bytesSinceEntry = 0

  constructor(log: IndexedLog, { files, folder, indexIntervalBytes }: SegmentIndexesOptions) {
    this.#log = log
    this.#offsets = new OffsetIndex(files, segmentPath(folder, log.baseOffset, 'index'))
    this.#times = new TimeIndex(files, segmentPath(folder, log.baseOffset, 'timeindex'))
    this.#intervalBytes = indexIntervalBytes
  }

  /** Largest timestamp in the segment, -1 when there is none. */
  get maxTimestamp(): number {
    this.load()
    return this.#maxTimestamp
  }

  /** Last offset of the batch that holds it. */
  get offsetOfMaxTimestamp(): number {
    this.load()
    return this.#offsetOfMaxTimestamp
  }

  /** For a new segment: whatever files there are is not looked at. */
  startEmpty(): void {
    this.#isLoaded = true
  }

  load(): void {
    if (this.#isLoaded) return
    this.#isLoaded = true
    const complete = this.#offsets.load() && this.#times.load() && !this.#reachesTooFar()
    if (!complete || !this.#startFromEntries()) this.#rebuild()
  }

  /** Forgets what lies above the end of the log, which is the recovery point: that is noted anew. */
  recover(): void {
    this.#isLoaded = true
    const complete = this.#offsets.load() && this.#times.load()
    this.#cut()
    if (!complete || !this.#startFromEntries()) this.#rebuild()
  }

  /** Forgets what lies above the end of the log, which was cut; `load` must have been called before. */
  truncate(): void {
    this.#cut()
    if (!this.#startFromEntries()) this.#rebuild()
  }

  #cut(): void {
    const { baseOffset, endOffset } = this.#log
    this.#offsets.truncate(endOffset - baseOffset)
    this.#times.truncate(endOffset - baseOffset)
  }

  /** Takes in the batch at `at`, which lies in the file at `position`. */
  note(buffer: Buffer, at: number, position: number): void {
    this.load()
    this.#noteIn(buffer, at, position)
  }

  #noteIn(buffer: Buffer, at: number, position: number): void {
    const due = this.#bytesSinceEntry > this.#intervalBytes
    if (due) this.#bytesSinceEntry = 0
    const last = this.#noteUnindexed(buffer, at)
    if (!due) return
    this.#offsets.add(last - this.#log.baseOffset, position)
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
    this.#times.add(this.#maxTimestamp, this.#offsetOfMaxTimestamp - this.#log.baseOffset)
  }

  /** Makes them durable as they are now. */
  async save(): Promise<void> {
    if (!this.#isLoaded) return
    this.#noteMaxTimestamp()
    await this.#offsets.save()
    await this.#times.save()
  }

  #reachesTooFar(): boolean {
    const { baseOffset, endOffset, sizeBytes } = this.#log
    return (
      this.#offsets.position(this.#offsets.count - 1) >= sizeBytes ||
      baseOffset + this.#times.offset(this.#times.count - 1) >= endOffset
    )
  }

  /** Where the next entries are due, and the largest timestamp; false when the last entries are not right. */
  #startFromEntries(): boolean {
    const log = this.#log
    const lastTime = this.#times.count - 1
    if (lastTime >= 0 && !this.#timeEntryHolds(lastTime)) return false
    this.#maxTimestamp = this.#times.timestamp(lastTime)
    this.#offsetOfMaxTimestamp = lastTime < 0 ? -1 : log.baseOffset + this.#times.offset(lastTime)
    const start = this.#entryBatch(this.#offsets.count - 1)
    if (start === undefined) return false
    // What follows the last entry of the offset index is in no time index yet.
    const range = { from: start.position, to: log.sizeBytes, offset: start.base }
    this.#bytesSinceEntry = 0
    scanBatches(log.file, range, (buffer, at) => {
      this.#noteUnindexed(buffer, at)
    })
    return true
  }

  /** The batch an entry of the offset index points to, the first for entry -1; undefined when another is there. */
  #entryBatch(entry: number): BatchPlace | undefined {
    const { baseOffset } = this.#log
    if (entry < 0) return { position: 0, base: baseOffset }
    const position = this.#offsets.position(entry)
    const header = this.#headerAt(position)
    if (header.length < batch.headerBytes) return undefined
    const base = batch.baseOffset(header, 0)
    const last = base + batch.lastOffsetDelta(header, 0)
    return last === baseOffset + this.#offsets.offset(entry) ? { position, base } : undefined
  }

  /** An entry of the time index is right when it says of a batch what the batch says. */
  #timeEntryHolds(entry: number): boolean {
    const offset = this.#log.baseOffset + this.#times.offset(entry)
    const timestamp = this.#times.timestamp(entry)
    try {
      const { position, base } = this.find(offset)
      const header = this.#headerAt(position)
      const last = base + batch.lastOffsetDelta(header, 0)
      return last === offset && batch.maxTimestamp(header, 0) === timestamp
    } catch (error) {
      if (error instanceof DamagedBatch) return false
      throw error
    }
  }

  #headerAt(position: number): Buffer {
    const header = Buffer.allocUnsafe(batch.headerBytes)
    return header.subarray(0, this.#log.file.read(header, 0, header.length, position))
  }

  /** Makes them from the log, as far as it is sound. */
  #rebuild(): ScanEnd {
    this.#offsets.clear()
    this.#times.clear()
    this.#maxTimestamp = -1
    this.#offsetOfMaxTimestamp = -1
    this.#bytesSinceEntry = 0
    const range = { from: 0, to: this.#log.sizeBytes, offset: this.#log.baseOffset }
    return scanBatches(this.#log.file, range, (buffer, at, position) => {
      this.#noteIn(buffer, at, position)
    })
  }

  /** The batch that holds the offset. Throws `DamagedBatch` when the log before it is damaged. */
  find(offset: number): BatchPlace {
    this.load()
    const log = this.#log
    const start = this.#entryBatch(this.#offsets.countUpTo(offset - log.baseOffset) - 1)
    if (start !== undefined) return hop(log, start, offset)
    // Either the index or the log is damaged. The rebuilt index ends where the log is damaged.
    const end = this.#rebuild()
    if (end.problem !== null && end.nextOffset <= offset) {
      throw new DamagedBatch(log.path, end.position, end.nextOffset, end.problem)
    }
    return this.find(offset)
  }

  /** Where no batch before can hold a record at or after the timestamp. */
  findTimestamp(timestamp: number): BatchPlace {
    this.load()
    const entry = this.#times.countBelow(timestamp) - 1
    if (entry < 0) return { position: 0, base: this.#log.baseOffset }
    const offset = this.#log.baseOffset + this.#times.offset(entry)
    if (this.#timeEntryHolds(entry)) return this.find(offset)
    this.#rebuild()
    return this.findTimestamp(timestamp)
  }
}
