/**
 * One segment: a `.log` file of record batches and its indexes (Kafka: LogSegment).
 *
 * Consumers mostly continue where they stopped, or read what was written last, so the newest batch boundaries are kept
 * in a small ring; every other batch is found by the indexes (segment-indexes.ts). Before a batch is handed out for the
 * first time it is checked against its CRC (checked-bytes.ts), and each time its header against the offset and the epoch
 * that must come next.
 */
import type { Files, OpenFile } from '../../platform/platform.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import type { BatchPlace } from './batch-place.ts'
import { batchProblem } from './batch-scan.ts'
import * as batch from '../../protocol/record-batch.ts'
import { BoundaryRing } from './boundary-ring.ts'
import { CheckedBytes } from './checked-bytes.ts'
import { DamagedBatch } from './damaged-batch.ts'
import { segmentPath } from './file-names.ts'
import { SegmentIndexes } from './segment-indexes.ts'

export interface SegmentOptions {
  readonly files: Files
  readonly folder: string
  readonly baseOffset: number
  readonly indexIntervalBytes: number
}

/** What one read needs besides the offset; see `Segment.read`. */
export interface ReadLimits {
  readonly maxBytes: number
  /** No batch that ends at or above this offset is returned. */
  readonly below: number
  /** The leader epoch that the batch at an offset must carry. */
  readonly epochAt: (offset: number) => number
  /** Memory to read into: at least so many bytes. */
  readonly take: (sizeBytes: number) => Buffer
}

export class Segment {
  readonly baseOffset: number
  readonly path: string
  readonly indexes: SegmentIndexes
  readonly aborted: AbortedTransactions
  sizeBytes = 0
  /** First offset after the segment. */
  endOffset: number
  /** When the segment was begun or opened, for `segment.ms` where records have no timestamps. */
  createdMs = 0
  /** The file may be longer than `sizeBytes`, by part of a write that failed. */
  #isTorn = false
  #firstTimestamp: number | undefined
  #file: OpenFile | undefined
  readonly #boundaries = new BoundaryRing()
  #checked = new CheckedBytes(Infinity)
  readonly #files: Files

  constructor(options: SegmentOptions) {
    const { files, folder, baseOffset } = options
    this.#files = files
    this.baseOffset = baseOffset
    this.endOffset = baseOffset
    this.path = segmentPath(folder, baseOffset, 'log')
    this.indexes = new SegmentIndexes(this, options)
    this.aborted = new AbortedTransactions(files, segmentPath(folder, baseOffset, 'txnindex'))
  }

  get file(): OpenFile {
    this.#file ??= this.#files.open(this.path)
    return this.#file
  }

  /** Makes the file of a new segment, empty whatever was there before. */
  create(): void {
    this.#file = this.#files.open(this.path, { create: true })
    if (this.#file.size() > 0) this.#file.truncate(0)
    this.#checked = new CheckedBytes(0)
    this.indexes.startEmpty()
    this.aborted.clear()
  }

  /** Writes to a file of another name, which gets its own when what is in it replaces other segments. */
  writeTo(file: OpenFile): void {
    this.#file = file
    this.#checked = new CheckedBytes(0)
    this.indexes.startEmpty()
    this.aborted.clear()
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
    this.cutTorn()
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

  /** Cuts off what a failed write has left, if that could not be done at once; returns whether there was something. */
  cutTorn(): boolean {
    if (!this.#isTorn) return false
    this.#cutBack()
    return true
  }

  #cutBack(): void {
    this.file.truncate(this.sizeBytes)
    this.#isTorn = false
  }

  /** Takes the batch at `at`, which lies in the file at `sizeBytes`, into size, indexes and timestamps. */
  note(buffer: Buffer, at: number): void {
    this.indexes.note(buffer, at, this.sizeBytes)
    this.sizeBytes += batch.sizeInBytes(buffer, at)
    this.endOffset = batch.nextOffset(buffer, at)
    this.#boundaries.add(this.endOffset, this.sizeBytes)
  }

  /**
   * Begins at the recovery point: what lies above it, in the file and in the indexes, is to be scanned and noted anew.
   * Indexes that were lost are made from the part below.
   */
  recoverFrom(position: number, offset: number): void {
    this.sizeBytes = position
    this.endOffset = offset
    this.#checked = new CheckedBytes(position)
    this.#boundaries.clear()
    this.indexes.recover()
  }

  /**
   * Whole batches from the one that holds `offset` on: at least that one, then as many as fit. Empty when that one does
   * not end below `limits.below`. Throws `DamagedBatch` when it is not what was written; a damaged one further on
   * just ends the result.
   */
  read(offset: number, limits: ReadLimits): Buffer {
    const { position, base } = this.#find(offset)
    const available = this.sizeBytes - position
    const { take } = limits
    let buffer = this.#bytesAt(position, Math.min(Math.max(limits.maxBytes, 4096), available), take)
    if (buffer.length >= batch.headerBytes) {
      const first = batch.sizeInBytes(buffer, 0)
      if (first > buffer.length && first <= available) buffer = this.#bytesAt(position, first, take)
    }
    const isChecked = this.#checked.has(position, position + buffer.length)
    let at = 0
    let next = base
    // The first must be there: the segment reaches beyond `offset`.
    while (at === 0 || at < buffer.length) {
      const rest = buffer.length - at
      if (at > 0 && (rest < batch.headerBytes || batch.sizeInBytes(buffer, at) > rest)) break
      if (at > 0 && at + batch.sizeInBytes(buffer, at) > limits.maxBytes) break
      const problem =
        batchProblem(buffer, at, next, isChecked) ?? epochProblem(buffer, at, limits.epochAt(next))
      if (problem !== null) {
        if (at > 0) break
        throw new DamagedBatch(this.path, position, base, problem)
      }
      const end = next + batch.lastOffsetDelta(buffer, at) + 1
      if (end > limits.below) break
      next = end
      at += batch.sizeInBytes(buffer, at)
    }
    if (at > 0) {
      this.#boundaries.add(next, position + at)
      if (!isChecked) this.#checked.add(position, position + at)
    }
    return buffer.subarray(0, at)
  }

  #bytesAt(position: number, length: number, take: ReadLimits['take']): Buffer {
    const buffer = take(length)
    return buffer.subarray(0, this.file.read(buffer, 0, length, position))
  }

  #find(offset: number): BatchPlace {
    const position = this.#boundaries.positionOf(offset)
    return position >= 0 ? { position, base: offset } : this.indexes.find(offset)
  }

  /** Where the batch that holds the offset begins. Throws `DamagedBatch` when it is not found. */
  locate(offset: number): BatchPlace {
    return offset === this.endOffset
      ? { position: this.sizeBytes, base: offset }
      : this.#find(Math.max(offset, this.baseOffset))
  }

  /** Cuts the segment off at a batch boundary. */
  truncate(position: number, offset: number): void {
    this.indexes.load()
    this.file.truncate(position)
    this.sizeBytes = position
    this.endOffset = offset
    this.#firstTimestamp = undefined
    this.#checked.truncate(position)
    this.#boundaries.clear()
    this.indexes.truncate()
    this.aborted.truncate(offset)
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  /** Closes the segment and removes its files. */
  remove(): void {
    this.close()
    const kinds = ['log', 'index', 'timeindex', 'txnindex'] as const
    for (const kind of kinds) this.#files.remove(this.path.replace(/log$/, kind))
  }
}

function epochProblem(buffer: Buffer, at: number, epoch: number): string | null {
  const found = batch.partitionLeaderEpoch(buffer, at)
  return found === epoch ? null : `it has leader epoch ${found} instead of ${epoch}`
}
