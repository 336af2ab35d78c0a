import { readSafeInt64, writeInt64 } from '../protocol/int64.ts'
import type { Serde } from './serde.ts'

/** A key in a window: the key of the rows of a windowed table. Kafka Streams' `Windowed`. */
export interface Windowed<K> {
  readonly key: K
  readonly window: {
    /** First millisecond of the window since the Unix epoch. */
    readonly start: number
    /** First millisecond after it; of sessions and sliding windows the last one in it. Infinity if it does not end. */
    readonly end: number
  }
}

/** What tells the end of a window from its start: a definition of windows does. */
export interface WindowEnds {
  /**
   * First millisecond after the window that starts at `start`.
   *
   * @example
   * ```ts
   * import { tumbling } from 'millrace'
   *
   * tumbling({ minutes: 1 }).endOf(60_000) // → 120_000
   * ```
   */
  endOf(start: number): number
}

/** A serde of keys in windows: the key without its window alone decides the partition. */
export interface KeyInWindowSerde<K> extends Serde<Windowed<K>> {
  readonly key: Serde<K>
}

/**
 * Keys of windowed tables: the bytes of the key, then the start of the window as int64, as Kafka Streams'
 * `TimeWindowedSerializer` writes them. The end is not written; it follows from the start.
 */
export class WindowedSerde<K> implements KeyInWindowSerde<K> {
  readonly name: string
  readonly key: Serde<K>
  readonly #windows: WindowEnds

  constructor(key: Serde<K>, windows: WindowEnds) {
    this.name = `windowed ${key.name}`
    this.key = key
    this.#windows = windows
    Object.freeze(this)
  }

  serialize({ key, window }: Windowed<K>): Buffer {
    const keyBytes = this.key.serialize(key)
    const bytes = Buffer.allocUnsafe(keyBytes.length + 8)
    keyBytes.copy(bytes)
    writeInt64(bytes, window.start, keyBytes.length)
    return bytes
  }

  deserialize(bytes: Buffer): Windowed<K> {
    const at = bytes.length - 8
    if (at < 0) throw new RangeError(`A windowed key has at least 8 bytes, not ${bytes.length}`)
    const start = readSafeInt64(bytes, at)
    const key = this.key.deserialize(bytes.subarray(0, at))
    return { key, window: { start, end: this.#windows.endOf(start) } }
  }
}

/**
 * Keys of session-windowed tables: the bytes of the key, then the end and the start of the session as int64, as Kafka
 * Streams' `SessionWindowedSerializer` writes them.
 */
export class SessionWindowedSerde<K> implements KeyInWindowSerde<K> {
  readonly name: string
  readonly key: Serde<K>

  constructor(key: Serde<K>) {
    this.name = `session-windowed ${key.name}`
    this.key = key
    Object.freeze(this)
  }

  serialize({ key, window }: Windowed<K>): Buffer {
    const keyBytes = this.key.serialize(key)
    const bytes = Buffer.allocUnsafe(keyBytes.length + 16)
    keyBytes.copy(bytes)
    writeInt64(bytes, window.end, keyBytes.length)
    writeInt64(bytes, window.start, keyBytes.length + 8)
    return bytes
  }

  deserialize(bytes: Buffer): Windowed<K> {
    const at = bytes.length - 16
    if (at < 0) throw new RangeError(`A session's key has at least 16 bytes, not ${bytes.length}`)
    const window = { start: readSafeInt64(bytes, at + 8), end: readSafeInt64(bytes, at) }
    return { key: this.key.deserialize(bytes.subarray(0, at)), window }
  }
}

/**
 * Serde of the keys of a windowed table, to read its topic back: `windowed(string(), tumbling({ minutes: 1 }))`. Writing such
 * a table with `to` needs none, the window is known there. Instead of the windows their size in milliseconds will do, if all
 * have the same: for sliding windows it is the time difference. Kafka Streams' `WindowedSerdes.timeWindowedSerdeFrom`.
 *
 * @example
 * ```ts
 * import { calendar, string, windowed } from 'millrace'
 *
 * const minutes = windowed(string(), 60_000)
 * const bytes = minutes.serialize({ key: 'a', window: { start: 60_000, end: 120_000 } })
 * bytes.toString('hex') // → '61000000000000ea60'
 * minutes.deserialize(bytes) // → { key: 'a', window: { start: 60_000, end: 120_000 } }
 *
 * const days = windowed(string(), calendar('day', { timeZone: 'Europe/Berlin' }))
 * const start = Date.parse('2026-03-29T00:00:00+01:00')
 * const end = Date.parse('2026-03-30T00:00:00+02:00')
 * days.deserialize(days.serialize({ key: 'a', window: { start, end } })).window.end === end // → true
 * ```
 */
export function windowed<K>(key: Serde<K>, windows: WindowEnds | number): Serde<Windowed<K>> {
  if (typeof windows !== 'number') return new WindowedSerde(key, windows)
  return new WindowedSerde(key, { endOf: start => start + windows })
}

/**
 * Serde of the keys of a session-windowed table, to read its topic back. Kafka Streams'
 * `WindowedSerdes.sessionWindowedSerdeFrom`.
 *
 * @example
 * ```ts
 * import { sessionWindowed, string } from 'millrace'
 *
 * const serde = sessionWindowed(string())
 * const bytes = serde.serialize({ key: 'a', window: { start: 1, end: 258 } })
 * bytes.toString('hex') // → '6100000000000001020000000000000001'
 * serde.deserialize(bytes) // → { key: 'a', window: { start: 1, end: 258 } }
 * ```
 */
export function sessionWindowed<K>(key: Serde<K>): Serde<Windowed<K>> {
  return new SessionWindowedSerde(key)
}
