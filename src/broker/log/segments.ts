import assert from 'node:assert/strict'
import type { AbortedTransaction } from './aborted-transactions.ts'
import { DamagedBatch } from './damaged-batch.ts'
import { segmentPath } from './file-names.ts'
import { type LogFolder, openSegment } from './recovery.ts'
import type { Segment } from './segment.ts'
import { firstRecordSince, latestRecord, type TimestampedOffset } from './timestamp-lookup.ts'

/** The segments of a log in the order of their offsets; the last, the active one, is appended to. */
export class Segments {
  readonly #log: LogFolder
  readonly #segments: Segment[]

  /** `segments` are those found in the folder, at least one. */
  constructor(log: LogFolder, segments: Segment[]) {
    this.#log = log
    this.#segments = segments
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get active(): Segment {
    const active = this.#segments[this.#segments.length - 1]
    assert(active !== undefined, 'a log has at least one segment')
    return active
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  /** Begins a new active segment; its file is not durable in the folder yet. `now`: the broker's time in milliseconds. */
  begin(baseOffset: number, now: number): void {
    const segment = openSegment(this.#log, baseOffset)
    segment.create()
    segment.createdMs = now
    this.#segments.push(segment)
  }

  /** Throws `DamagedBatch` when the file that held the offset is missing. */
  holding(offset: number): Segment {
    if (offset >= this.active.baseOffset) return this.active
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#segments[middle]?.baseOffset ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    const segment = this.#segments[low]
    if (segment !== undefined && segment.baseOffset <= offset) return segment
    const lost = segmentPath(this.#log.folder, offset, 'log')
    throw new DamagedBatch(lost, 0, offset, 'the file that holds it is missing')
  }

  /** The first record at or after the timestamp (milliseconds) whose offset is at least `from`, or null. */
  firstRecordSince(timestamp: number, from: number): TimestampedOffset | null {
    for (const segment of this.#segments) {
      if (segment.endOffset <= from || segment.indexes.maxTimestamp < timestamp) continue
      const found = firstRecordSince(segment, timestamp, from)
      if (found !== null) return found
    }
    return null
  }

  /** The first record with the largest timestamp, or null. */
  latestRecord(): TimestampedOffset | null {
    let newest: Segment | undefined
    for (const segment of this.#segments) {
      if (segment.indexes.maxTimestamp > (newest?.indexes.maxTimestamp ?? -1)) newest = segment
    }
    return newest === undefined ? null : latestRecord(newest)
  }

  /**
   * Aborted transactions with records of [from, to), in the order in which they began. (Kafka:
   * LocalLog.collectAbortedTransactions.)
   */
  abortedBetween(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (const { endOffset, aborted } of this.#segments) {
      if (endOffset <= from) continue
      const { all } = aborted
      for (let n = aborted.firstSince(from); n < all.length; n++) {
        const transaction = all[n]
        if (transaction === undefined) break
        const { firstOffset, lastStableOffset } = transaction
        if (firstOffset < to) found.push(transaction)
        if (lastStableOffset >= to) return found.sort((a, b) => a.firstOffset - b.firstOffset)
      }
    }
    return found.sort((a, b) => a.firstOffset - b.firstOffset)
  }

  async saveIndexes(): Promise<void> {
    for (const segment of this.#segments.slice()) {
      await segment.indexes.save()
      await segment.aborted.save()
    }
  }

  /** Removes the segments behind this one and returns them. */
  removeAfter(segment: Segment): Segment[] {
    const removed = this.#segments.splice(this.#segments.indexOf(segment) + 1)
    for (const later of removed) later.remove()
    return removed
  }

  /** Removes the segments that hold nothing at or above the offset, except the active one, with their snapshots. */
  removeBefore(offset: number): void {
    const { files, folder } = this.#log
    const kept = this.#segments.findIndex(s => s === this.active || s.endOffset > offset)
    for (const segment of this.#segments.splice(0, kept)) {
      segment.remove()
      files.remove(segmentPath(folder, segment.baseOffset, 'snapshot'))
    }
  }

  /** Puts one segment in the place of several neighbours, which are closed; their files are left to the caller. */
  replace(old: readonly Segment[], replacement: Segment): void {
    const at = this.#segments.findIndex(segment => segment === old[0])
    assert(at >= 0 && at + old.length < this.#segments.length, 'closed segments of this log')
    for (const segment of this.#segments.splice(at, old.length, replacement)) segment.close()
  }

  close(): void {
    for (const segment of this.#segments) segment.close()
  }
}
