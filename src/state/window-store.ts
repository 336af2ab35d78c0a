import assert from 'node:assert/strict'

import { readInt64, writeInt64 } from '../protocol/int64.ts'
import type { RowTable } from './row-table.ts'
import type { StoreDefinition } from './store-definition.ts'
import type { Entry } from './store-engine.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type { TimestampedWindowStore, ValueAndTimestamp, WindowRow } from './stores.ts'

/**
 * Kafka Streams' `TimestampedWindowStore`. In the changelog a row's key is the key's bytes, the window's start (int64) and a
 * sequence number (int32, always 0), as Kafka's `WindowKeySchema` has it. In the table the number of the window's segment
 * comes first: segments are stretches of time as long as Kafka's, half the retention but a minute at least, so that the
 * key of a row is computable and expired rows lie together, to be removed as one range.
 *
 * Two limits, as in Kafka's persistent stores: a row is visible while its start is greater than the largest start put so
 * far minus the retention; a put is refused when its whole segment is below that line.
 *
 * Rows whose segment has expired are deleted like any others, by the transaction, so the changelog gets a tombstone for
 * each and always holds exactly the rows of the store. Kafka Streams drops the segment in silence and leaves the changelog
 * to the broker's retention, which goes by the clock on the wall: when event time is far from it, rows vanish there that
 * the store still needs, or stay that it has dropped.
 */
export class WindowStore implements TimestampedWindowStore<unknown, unknown> {
  readonly name: string
  readonly table: RowTable
  /** Largest window start put so far; -1 before the first. */
  observedTime: number
  /** Puts that came too late. */
  refused = 0
  readonly #serdes: StoreSerdes
  readonly #retentionMs: number
  readonly #segmentMs: number
  /** As a key of the database: rows before it have expired and are deleted, by the open transaction at the latest. */
  #expiryCursor: Buffer

  constructor(definition: StoreDefinition, table: RowTable, observedTime = -1) {
    assert(definition.retentionMs !== undefined, `window store ${definition.name} has no retention`)
    this.name = definition.name
    this.observedTime = observedTime
    this.table = table
    this.#expiryCursor = table.range.from
    this.#serdes = storeSerdes(definition)
    this.#retentionMs = definition.retentionMs
    this.#segmentMs = Math.max(Math.floor(definition.retentionMs / 2), minSegmentMs)
  }

  fetch(key: unknown, windowStart: number): ValueAndTimestamp<unknown> | undefined {
    if (!this.#isVisible(windowStart)) return undefined
    const row = this.table.get(this.#tableKey(this.#serdes.keyBytes(key), windowStart))
    if (row === undefined) return undefined
    return { value: this.#serdes.value(rowValue(row)), timestamp: rowTimestamp(row) }
  }

  put(key: unknown, value: unknown, windowStart: number, timestamp: number): boolean {
    if (windowStart > this.observedTime) this.observedTime = windowStart
    if (this.#segment(windowStart) < this.#firstSegment()) {
      this.refused++
      return false
    }
    const row = value === null ? null : newRow(this.#serdes.valueBytes(value), timestamp)
    this.table.put(this.#tableKey(this.#serdes.keyBytes(key), windowStart), row, timestamp)
    return true
  }

  all(): AsyncIterable<WindowRow<unknown, unknown>> {
    return this.#decoded(this.table.entries())
  }

  /** The same without waiting; only over an engine that can. */
  *allSync(): Iterable<WindowRow<unknown, unknown>> {
    for (const [key, row] of this.table.entriesSync()) {
      if (this.#isVisible(startOf(key))) yield this.#decode(key, row)
    }
  }

  /** The key of a row as it stands in the changelog topic, of the key in the table; a view. */
  changelogKey(tableKey: Buffer): Buffer {
    return tableKey.subarray(segmentBytes)
  }

  /**
   * The key in the table of a changelog record, whose window counts as put. Rows that have expired are restored too: their
   * tombstones are still to be written.
   */
  restoredKey(changelogKey: Buffer): Buffer {
    const start = startOf(changelogKey)
    if (start > this.observedTime) this.observedTime = start
    const key = Buffer.allocUnsafe(segmentBytes + changelogKey.length)
    writeInt64(key, this.#segment(start), 0)
    changelogKey.copy(key, segmentBytes)
    return key
  }

  /**
   * Has the open transaction delete up to `limit` rows of segments that had expired at `observedTime`, the largest start
   * committed. The next call goes on after them.
   */
  async deleteExpired(observedTime: number, limit: number): Promise<void> {
    const range = this.#expired(observedTime)
    if (range === null) return
    const next = await this.table.deleteStored(range, limit, observedTime)
    this.#expiryCursor = next ?? range.to
  }

  /** The same without waiting; only over an engine that can. */
  deleteExpiredSync(observedTime: number, limit: number): void {
    const range = this.#expired(observedTime)
    if (range === null) return
    this.#expiryCursor = this.table.deleteStoredSync(range, limit, observedTime) ?? range.to
  }

  /** Rows were restored: expired ones may be anywhere. */
  forgetDeleted(): void {
    this.#expiryCursor = this.table.range.from
  }

  /**
   * Where the database may have rows that had expired at `observedTime` and that no transaction deletes yet; null when it
   * has none. No put can fall into that range any more.
   */
  #expired(observedTime: number): { from: Buffer; to: Buffer } | null {
    const segment = this.#firstSegment(observedTime)
    if (segment <= 0) return null
    const bound = Buffer.allocUnsafe(segmentBytes)
    writeInt64(bound, segment, 0)
    const to = this.table.databaseKey(bound)
    return Buffer.compare(this.#expiryCursor, to) < 0 ? { from: this.#expiryCursor, to } : null
  }

  #isVisible(windowStart: number): boolean {
    return windowStart > this.observedTime - this.#retentionMs
  }

  #segment(time: number): number {
    return Math.floor(time / this.#segmentMs)
  }

  #firstSegment(observedTime = this.observedTime): number {
    return this.#segment(observedTime - this.#retentionMs)
  }

  #tableKey(key: Buffer, windowStart: number): Buffer {
    const tableKey = Buffer.allocUnsafe(segmentBytes + key.length + windowBytes)
    writeInt64(tableKey, this.#segment(windowStart), 0)
    key.copy(tableKey, segmentBytes)
    writeInt64(tableKey, windowStart, segmentBytes + key.length)
    tableKey.writeInt32BE(0, segmentBytes + key.length + 8)
    return tableKey
  }

  async *#decoded(entries: AsyncIterable<Entry>): AsyncIterable<WindowRow<unknown, unknown>> {
    for await (const [key, row] of entries) {
      if (this.#isVisible(startOf(key))) yield this.#decode(key, row)
    }
  }

  #decode(key: Buffer, row: Buffer): WindowRow<unknown, unknown> {
    return {
      key: this.#serdes.key(key.subarray(segmentBytes, key.length - windowBytes)),
      windowStart: startOf(key),
      value: this.#serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}

/** Kafka's `Stores`: segments of a window store are not shorter than a minute. */
const minSegmentMs = 60_000

const segmentBytes = 8

/** Start and sequence number. */
const windowBytes = 12

const startOf = (key: Buffer): number => readInt64(key, key.length - windowBytes)
