import type { RowReader } from './row-reader.ts'
import type { RowTable } from './row-table.ts'
import { Segments } from './segments.ts'
import type { VersionedDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type { KeyValueRow, VersionedKeyValueStore, VersionedRecord } from './stores.ts'
import { historyKey, type Version, VersionHistory, versionRow } from './version-history.ts'
import { VersionReader } from './version-reader.ts'

/** A change as it goes to the changelog: the key's bytes, the value's, and the time from which it is valid. */
export interface VersionChange {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly timestamp: number
}

/**
 * Kafka Streams' `VersionedKeyValueStore` (KIP-889). Each version of a key is valid from its own time to that of the next one.
 * The latest stands in a table by key, as in any other store. Earlier ones stand in a second table, the history, whose keys
 * are the segment of the end of validity, the key and the version's time; a deletion is a version without a value. A deletion
 * that is the latest version stands in the history as well, open, in the segment of its own time. So expired segments are
 * exactly what nobody can ask for any more.
 *
 * The changelog has one record for each put, at the time of the version, and restoring repeats the puts.
 */
export class VersionedStore implements VersionedKeyValueStore<unknown, unknown> {
  readonly name: string
  readonly tables: readonly [latest: RowTable, history: RowTable]
  readonly segments: Segments
  readonly #latest: RowTable
  readonly #history: RowTable
  readonly serdes: StoreSerdes
  readonly #retentionMs: number
  readonly #versions: VersionHistory
  readonly #reader: VersionReader
  #changes: VersionChange[] = []

  constructor(
    definition: VersionedDefinition,
    tables: readonly [latest: RowTable, history: RowTable],
    observedTime?: number,
  ) {
    this.name = definition.name
    this.tables = tables
    const [latest, history] = tables
    this.#latest = latest
    this.#history = history
    const { historyRetentionMs: retentionMs, inMemory } = definition
    this.segments = new Segments(
      history,
      { retentionMs, ...(inMemory && { inMemory }) },
      observedTime,
    )
    this.serdes = storeSerdes(definition)
    this.#retentionMs = retentionMs
    this.#versions = new VersionHistory(history, this.segments)
    this.#reader = this.reader(tables, () => this.segments.observedTime)
  }

  get(key: unknown, asOf?: number): VersionedRecord<unknown> | undefined {
    return this.#reader.get(key, asOf)
  }

  put(key: unknown, value: unknown, timestamp: number): number | null {
    const bytes = value === null ? null : this.serdes.valueBytes(value)
    const keyBytes = this.serdes.keyBytes(key)
    const validTo = this.#put(keyBytes, bytes, timestamp)
    if (validTo !== null) this.#changes.push({ key: keyBytes, value: bytes, timestamp })
    return validTo
  }

  delete(key: unknown, timestamp: number): VersionedRecord<unknown> | undefined {
    const before = this.get(key, timestamp)
    this.put(key, null, timestamp)
    return before
  }

  /** The versions of a key that can be read, earliest first. */
  versions(key: unknown): Iterable<VersionedRecord<unknown>> {
    return this.#reader.versions(key)
  }

  /** For queries, which see the open transaction or do not. */
  reader(tables: readonly [RowReader, RowReader], observedTime: () => number): VersionReader {
    const { serdes, segments } = this
    const [latest, history] = tables
    const retentionMs = this.#retentionMs
    return new VersionReader({ latest, history, segments, serdes, retentionMs, observedTime })
  }

  /** Latest versions in the order of their keys' bytes; only over an engine that does not wait. */
  *allSync(): Iterable<KeyValueRow<unknown, unknown>> {
    for (const [key, row] of this.#latest.entriesSync()) yield this.keyed(key, row)
  }

  /** The changes since the last call, in the order of the puts. */
  takeChanges(): readonly VersionChange[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /** Repeats a put of the changelog. */
  replay(key: Buffer, value: Buffer | null, timestamp: number): void {
    // What was taken once is taken again, although stream time is ahead of where it was then.
    if (timestamp >= this.segments.observedTime - this.#retentionMs) {
      this.#put(Buffer.from(key), value && Buffer.from(value), timestamp)
    }
  }

  /** Returns the end of validity, or null when the put comes too late. */
  #put(key: Buffer, value: Buffer | null, timestamp: number): number | null {
    if (timestamp < this.segments.observedTime - this.#retentionMs) {
      this.segments.refused++
      return null
    }
    this.segments.observe(timestamp)
    const latest = this.#latest.get(key)
    const deletion = latest === undefined ? this.#openDeletion(key) : undefined
    const last = latest === undefined ? deletion?.validFrom : rowTimestamp(latest)
    if (value === null && latest !== undefined && timestamp === last) {
      this.#deleteAtItsTime(key, timestamp)
      return Infinity
    }
    if (last === undefined || timestamp >= last) {
      if (deletion !== undefined) this.#removeVersion(key, deletion.segment, deletion.validFrom)
      if (last !== undefined && timestamp > last) {
        this.#putVersion(key, last, timestamp, latest === undefined ? null : rowValue(latest))
      }
      this.#putLatest(key, value, timestamp, latest !== undefined)
      return Infinity
    }
    return this.#insert(key, value, timestamp, this.#lastSegment(latest)) ?? last
  }

  /**
   * Deletes the latest row as of the very time from which it was valid. As in Kafka Streams, only an earlier row keeps a trace of
   * that; without one it is as if the row had never been put, and an earlier put becomes the latest.
   */
  #deleteAtItsTime(key: Buffer, timestamp: number): void {
    this.#latest.put(key, null, timestamp)
    const before = this.#versions.newest(key, this.#firstSegment)
    if (before?.validTo !== timestamp) return
    if (before.value !== null) this.#putVersion(key, timestamp, Infinity, null)
    else {
      this.#removeVersion(key, before.segment, before.validFrom)
      this.#putVersion(key, before.validFrom, Infinity, null)
    }
  }

  #putLatest(key: Buffer, value: Buffer | null, timestamp: number, exists: boolean): void {
    if (value !== null) this.#latest.put(key, newRow(value, timestamp), timestamp)
    else {
      if (exists) this.#latest.put(key, null, timestamp)
      this.#writeVersion(key, this.segments.of(timestamp), timestamp, Infinity, null)
    }
  }

  /** Puts a version before the latest; returns its end of validity, undefined when that is where the latest begins. */
  #insert(
    key: Buffer,
    value: Buffer | null,
    timestamp: number,
    lastSegment: number,
  ): number | undefined {
    const around = this.#versions.find(key, timestamp, lastSegment)
    if (around === undefined) {
      const next = this.#versions.next(key, timestamp, lastSegment)
      this.#putVersion(key, timestamp, next ?? this.#beginOfLatest(key), value)
      return next
    }
    const { validFrom, validTo, segment } = around
    if (validFrom !== timestamp) {
      this.#removeVersion(key, segment, validFrom)
      this.#putVersion(key, validFrom, timestamp, around.value)
    }
    this.#putVersion(key, timestamp, validTo, value)
    return validTo
  }

  #beginOfLatest(key: Buffer): number {
    const latest = this.#latest.get(key)
    return latest === undefined
      ? (this.#openDeletion(key)?.validFrom ?? Infinity)
      : rowTimestamp(latest)
  }

  /** The deletion that is the latest version, as far as anybody can still ask for it. */
  #openDeletion(key: Buffer): Version | undefined {
    const newest = this.#versions.newest(key, this.#firstSegment)
    return newest?.validTo === Infinity ? newest : undefined
  }

  #putVersion(key: Buffer, validFrom: number, validTo: number, value: Buffer | null): void {
    if (validTo === Infinity)
      this.#writeVersion(key, this.segments.of(validFrom), validFrom, Infinity, value)
    else this.#writeVersion(key, this.segments.of(validTo), validFrom, validTo, value)
  }

  #writeVersion(
    key: Buffer,
    segment: number,
    validFrom: number,
    validTo: number,
    value: Buffer | null,
  ): void {
    this.#history.put(historyKey(segment, key, validFrom), versionRow(value, validTo), validFrom)
  }

  #removeVersion(key: Buffer, segment: number, validFrom: number): void {
    this.#history.put(historyKey(segment, key, validFrom), null, validFrom)
  }

  /** The last segment in which there can be versions of a key. */
  #lastSegment(latest: Buffer | undefined): number {
    const { segments } = this
    return segments.of(latest === undefined ? segments.observedTime : rowTimestamp(latest))
  }

  get #firstSegment(): number {
    return Math.max(0, this.segments.of(this.#oldest))
  }

  /** The earliest time as of which more than the latest version can be read. */
  get #oldest(): number {
    return this.segments.observedTime - this.#retentionMs
  }
  keyed(key: Buffer, row: Buffer): KeyValueRow<unknown, unknown> {
    return {
      key: this.serdes.key(key),
      value: this.serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}
