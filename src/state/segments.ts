import { writeInt64 } from '../protocol/int64.ts'
import type { RowTable } from './row-table.ts'

/**
 * How stores of windows and sessions forget. The key of a row in the table begins with the number of its segment: segments
 * are stretches of time as long as Kafka's, half the retention but a minute at least, so that the key of a row is computable
 * and expired rows lie together, to be removed as one range. The time of a window is its start, that of a session its end.
 *
 * Two limits, as in Kafka's persistent stores: a row is visible while its time is greater than the largest time put so far
 * minus the retention; a put is refused when its whole segment is below that line. In-memory stores have the first limit for
 * both.
 *
 * Rows whose segment has expired are deleted like any others, by the transaction, so the changelog gets a tombstone for
 * each and always holds exactly the rows of the store. Kafka Streams drops the segment in silence and leaves the changelog
 * to the broker's retention, which goes by the clock on the wall: when event time is far from it, rows vanish there that
 * the store still needs, or stay that it has dropped.
 */
export class Segments {
  /** Largest time put so far; -1 before the first. */
  observedTime: number
  /** Puts that came too late. */
  refused = 0
  readonly #table: RowTable
  readonly #retentionMs: number
  readonly #segmentMs: number
  readonly #inMemory: boolean
  /** As a key of the database: rows before it have expired and are deleted, by the open transaction at the latest. */
  #expiryCursor: Buffer

  constructor(
    table: RowTable,
    { retentionMs, inMemory = false }: { retentionMs: number; inMemory?: boolean | undefined },
    observedTime = -1,
  ) {
    this.observedTime = observedTime
    this.#table = table
    this.#retentionMs = retentionMs
    this.#segmentMs = Math.max(Math.floor(retentionMs / 2), minSegmentMs)
    this.#inMemory = inMemory
    this.#expiryCursor = table.range.from
  }

  /** Whether a row of that time may still be put; time goes on, and a refusal is counted. */
  accepts(time: number): boolean {
    this.observe(time)
    const accepted = this.#inMemory
      ? time >= this.oldest
      : this.of(time) >= this.#firstSegment(this.observedTime)
    if (!accepted) this.refused++
    return accepted
  }

  observe(time: number): void {
    if (time > this.observedTime) this.observedTime = time
  }

  /** The smallest time of which rows are visible. */
  get oldest(): number {
    return this.oldestAt(this.observedTime)
  }

  /** The same, as of another largest time put. */
  oldestAt(observedTime: number): number {
    return observedTime - this.#retentionMs + 1
  }

  /** The smallest time of the segments that are kept. */
  get oldestStored(): number {
    return this.#firstSegment(this.observedTime) * this.#segmentMs
  }

  /** Number of the segment of a time. */
  of(time: number): number {
    return Math.floor(time / this.#segmentMs)
  }

  /**
   * Has the open transaction delete up to `limit` rows of segments that had expired at `observedTime`, the largest time
   * committed. The next call goes on after them. Over a database that never waits it returns undefined, and they are deleted.
   */
  deleteExpired(observedTime: number, limit: number): Promise<void> | undefined {
    const range = this.#expired(observedTime)
    if (range === null) return undefined
    if (!this.#table.isSync) return this.#deleteLater(range, limit, observedTime)
    this.#expiryCursor = this.#table.deleteStoredSync(range, limit, observedTime) ?? range.to
    return undefined
  }

  async #deleteLater(range: ExpiredRange, limit: number, observedTime: number): Promise<void> {
    const next = await this.#table.deleteStored(range, limit, observedTime)
    this.#expiryCursor = next ?? range.to
  }

  /** Rows were restored: expired ones may be anywhere. */
  forgetDeleted(): void {
    this.#expiryCursor = this.#table.range.from
  }

  /**
   * Where the database may have rows that had expired at `observedTime` and that no transaction deletes yet; null when it
   * has none. No put can fall into that range any more.
   */
  #expired(observedTime: number): ExpiredRange | null {
    const segment = this.#firstSegment(observedTime)
    if (segment <= 0) return null
    const bound = Buffer.allocUnsafe(segmentBytes)
    writeInt64(bound, segment, 0)
    const to = this.#table.databaseKey(bound)
    return Buffer.compare(this.#expiryCursor, to) < 0 ? { from: this.#expiryCursor, to } : null
  }

  #firstSegment(observedTime: number): number {
    return this.of(observedTime - this.#retentionMs)
  }
}

interface ExpiredRange {
  readonly from: Buffer
  readonly to: Buffer
}

/** The segment's number at the beginning of a key. */
export const segmentBytes = 8

/** Kafka's `Stores`: segments of a window store are not shorter than a minute. */
const minSegmentMs = 60_000
