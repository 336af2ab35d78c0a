import { readInt64, writeInt64 } from '../protocol/int64.ts'
import type { RowTable } from './row-table.ts'
import { segmentBytes, Segments } from './segments.ts'
import type { VersionedDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type { ValueAndTimestamp, VersionedKeyValueStore, VersionedRecord } from './stores.ts'

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
  readonly #serdes: StoreSerdes
  readonly #retentionMs: number
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
    this.#serdes = storeSerdes(definition)
    this.#retentionMs = retentionMs
  }

  get(key: unknown, asOf?: number): VersionedRecord<unknown> | undefined {
    const keyBytes = this.#serdes.keyBytes(key)
    const latest = this.#latest.get(keyBytes)
    if (latest !== undefined && (asOf === undefined || rowTimestamp(latest) <= asOf)) {
      return this.#record(latest, Infinity)
    }
    if (asOf === undefined || asOf < this.#oldest) return undefined
    const version = this.#find(keyBytes, asOf, this.#lastSegment(latest))
    return version === undefined ? undefined : this.#recordOf(version)
  }

  put(key: unknown, value: unknown, timestamp: number): number | null {
    const bytes = value === null ? null : this.#serdes.valueBytes(value)
    const keyBytes = this.#serdes.keyBytes(key)
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
  *versions(key: unknown): Iterable<VersionedRecord<unknown>> {
    const keyBytes = this.#serdes.keyBytes(key)
    const latest = this.#latest.get(keyBytes)
    const last = this.#lastSegment(latest)
    for (let segment = this.#firstSegment; segment <= last; segment++) {
      for (const text of this.#keysOf(segment, keyBytes, 0, Infinity, false)) {
        const version = this.#versionAt(text)
        if (version.validTo <= this.#oldest) continue
        const record = this.#recordOf(version)
        if (record !== undefined) yield record
      }
    }
    if (latest !== undefined) yield this.#record(latest, Infinity)
  }

  /** Latest versions in the order of their keys' bytes. */
  async *all(): AsyncIterable<{ key: unknown } & ValueAndTimestamp<unknown>> {
    for await (const [key, row] of this.#latest.entries()) yield this.#keyed(key, row)
  }

  /** The same without waiting; only over an engine that can. */
  *allSync(): Iterable<{ key: unknown } & ValueAndTimestamp<unknown>> {
    for (const [key, row] of this.#latest.entriesSync()) yield this.#keyed(key, row)
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
    const before = this.#newest(key)
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
      this.#writeVersion(key, this.segments.of(timestamp), timestamp, open, null)
    }
  }

  /** Puts a version before the latest; returns its end of validity, undefined when that is where the latest begins. */
  #insert(
    key: Buffer,
    value: Buffer | null,
    timestamp: number,
    lastSegment: number,
  ): number | undefined {
    const around = this.#find(key, timestamp, lastSegment)
    if (around === undefined) {
      const next = this.#next(key, timestamp, lastSegment)
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
      ? (this.#openDeletion(key)?.validFrom ?? open)
      : rowTimestamp(latest)
  }

  /** The version before the latest that is valid at a time: the last one that begins at or before it. */
  #find(key: Buffer, time: number, lastSegment: number): Version | undefined {
    for (let segment = this.segments.of(time); segment <= lastSegment; segment++) {
      for (const text of this.#keysOf(segment, key, 0, time + 1, true)) {
        const version = this.#versionAt(text)
        if (version.validTo > time) return version
        break
      }
    }
    return undefined
  }

  /** When the first version after a time begins; undefined when that is the latest. */
  #next(key: Buffer, time: number, lastSegment: number): number | undefined {
    for (let segment = this.segments.of(time); segment <= lastSegment; segment++) {
      for (const text of this.#keysOf(segment, key, time + 1, Infinity, false)) {
        return this.#versionAt(text).validFrom
      }
    }
    return undefined
  }

  /** The deletion that is the latest version, as far as anybody can still ask for it. */
  #openDeletion(key: Buffer): Version | undefined {
    const newest = this.#newest(key)
    return newest?.validTo === Infinity ? newest : undefined
  }

  /** The last version in the history, as far as anybody can still ask for it. */
  #newest(key: Buffer): Version | undefined {
    const last = this.segments.of(this.segments.observedTime)
    for (let segment = last; segment >= this.#firstSegment; segment--) {
      for (const text of this.#keysOf(segment, key, 0, Infinity, true)) return this.#versionAt(text)
    }
    return undefined
  }

  /** Keys in the history of those versions of a key that begin in [from, to) and whose validity ends in a segment. */
  *#keysOf(
    segment: number,
    key: Buffer,
    from: number,
    to: number,
    reverse: boolean,
  ): Iterable<string> {
    const length = segmentBytes + key.length + timeBytes
    const bounds = {
      from: historyKey(segment, key, from).toString('latin1'),
      to: historyKey(segment, key, Math.min(to, Number.MAX_SAFE_INTEGER)).toString('latin1'),
      reverse,
    }
    // Versions of longer keys may lie between.
    for (const text of this.#history.keys(bounds)) if (text.length === length) yield text
  }

  #versionAt(text: string): Version {
    const entry = this.#history.rowAt(text)
    const key = entry?.[0] ?? Buffer.from(text, 'latin1')
    const row = entry?.[1] ?? newRow(deleted, open)
    const end = rowTimestamp(row)
    const bytes = rowValue(row)
    return {
      segment: readInt64(key, 0),
      validFrom: readInt64(key, key.length - timeBytes),
      validTo: end === open ? Infinity : end,
      value: bytes[0] === 0 ? null : bytes.subarray(1),
    }
  }

  #putVersion(key: Buffer, validFrom: number, validTo: number, value: Buffer | null): void {
    if (validTo === Infinity)
      this.#writeVersion(key, this.segments.of(validFrom), validFrom, open, value)
    else this.#writeVersion(key, this.segments.of(validTo), validFrom, validTo, value)
  }

  #writeVersion(
    key: Buffer,
    segment: number,
    validFrom: number,
    validTo: number,
    value: Buffer | null,
  ): void {
    const bytes = value === null ? deleted : Buffer.concat([present, value])
    this.#history.put(historyKey(segment, key, validFrom), newRow(bytes, validTo), validFrom)
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

  #record(row: Buffer, validTo: number): VersionedRecord<unknown> {
    return { value: this.#serdes.value(rowValue(row)), timestamp: rowTimestamp(row), validTo }
  }

  #recordOf({ value, validFrom, validTo }: Version): VersionedRecord<unknown> | undefined {
    if (value === null) return undefined
    return { value: this.#serdes.value(value), timestamp: validFrom, validTo }
  }

  #keyed(key: Buffer, row: Buffer): { key: unknown } & ValueAndTimestamp<unknown> {
    return {
      key: this.#serdes.key(key),
      value: this.#serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}

/** A version in the history. */
interface Version {
  readonly segment: number
  readonly validFrom: number
  /** Infinity for a deletion that is the latest version. */
  readonly validTo: number
  readonly value: Buffer | null
}

/** End of validity of a deletion that is the latest version, as it is stored. */
const open = -1

const timeBytes = 8
const deleted = Buffer.from([0])
const present = Buffer.from([1])

function historyKey(segment: number, key: Buffer, validFrom: number): Buffer {
  const bytes = Buffer.allocUnsafe(segmentBytes + key.length + timeBytes)
  writeInt64(bytes, segment, 0)
  key.copy(bytes, segmentBytes)
  writeInt64(bytes, validFrom, segmentBytes + key.length)
  return bytes
}
