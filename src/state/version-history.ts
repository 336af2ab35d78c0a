import { readInt64, writeInt64 } from '../protocol/int64.ts'
import type { RowReader } from './row-reader.ts'
import { segmentBytes, type Segments } from './segments.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'

/** A version in the history. */
export interface Version {
  readonly segment: number
  readonly validFrom: number
  /** Infinity for a deletion that is the latest version. */
  readonly validTo: number
  readonly value: Buffer | null
}

/** The versions of keys that are not the latest, as `VersionedStore` lays them out in its second table. */
export class VersionHistory {
  readonly #rows: RowReader
  readonly #segments: Segments

  constructor(rows: RowReader, segments: Segments) {
    this.#rows = rows
    this.#segments = segments
  }

  /** The version before the latest that is valid at a time: the last one that begins at or before it. */
  find(key: Buffer, time: number, lastSegment: number): Version | undefined {
    for (let segment = this.#segments.of(time); segment <= lastSegment; segment++) {
      for (const text of this.#keysOf(segment, key, 0, time + 1, true)) {
        const version = this.#versionAt(text)
        if (version.validTo > time) return version
        break
      }
    }
    return undefined
  }

  /** When the first version after a time begins; undefined when that is the latest. */
  next(key: Buffer, time: number, lastSegment: number): number | undefined {
    for (let segment = this.#segments.of(time); segment <= lastSegment; segment++) {
      for (const text of this.#keysOf(segment, key, time + 1, Infinity, false)) {
        return this.#versionAt(text).validFrom
      }
    }
    return undefined
  }

  /** The last version in the history, as far as anybody can still ask for it. */
  newest(key: Buffer, firstSegment: number): Version | undefined {
    const last = this.#segments.of(this.#segments.observedTime)
    for (let segment = last; segment >= firstSegment; segment--) {
      for (const text of this.#keysOf(segment, key, 0, Infinity, true)) return this.#versionAt(text)
    }
    return undefined
  }

  /** The versions of a key that end in some segments, earliest first. */
  *versions(key: Buffer, firstSegment: number, lastSegment: number): Iterable<Version> {
    for (let segment = firstSegment; segment <= lastSegment; segment++) {
      for (const text of this.#keysOf(segment, key, 0, Infinity, false)) yield this.#versionAt(text)
    }
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
    for (const text of this.#rows.keys(bounds)) if (text.length === length) yield text
  }

  #versionAt(text: string): Version {
    const entry = this.#rows.rowAt(text)
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
}

/** The key of a version in the table. */
export function historyKey(segment: number, key: Buffer, validFrom: number): Buffer {
  const bytes = Buffer.allocUnsafe(segmentBytes + key.length + timeBytes)
  writeInt64(bytes, segment, 0)
  key.copy(bytes, segmentBytes)
  writeInt64(bytes, validFrom, segmentBytes + key.length)
  return bytes
}

/** The row of a version, whose time is its end. */
export function versionRow(value: Buffer | null, validTo: number): Buffer {
  const bytes = value === null ? deleted : Buffer.concat([present, value])
  return newRow(bytes, validTo === Infinity ? open : validTo)
}

/** End of validity of a deletion that is the latest version, as it is stored. */
const open = -1

const timeBytes = 8
const deleted = Buffer.from([0])
const present = Buffer.from([1])
