import { readSafeInt64, writeInt64 } from '../protocol/int64.ts'
import type { Serde } from './serde.ts'

/** A key in a window: the key of the rows of a windowed table. Kafka Streams' `Windowed`. */
export interface Windowed<K> {
  readonly key: K
  readonly window: {
    /** First millisecond of the window since the Unix epoch. */
    readonly start: number
    /** First millisecond after it. */
    readonly end: number
  }
}

/**
 * Keys of windowed tables: the bytes of the key, then the start of the window as int64, as Kafka Streams'
 * `TimeWindowedSerializer` writes them. The end is not written; it follows from the size.
 */
export class WindowedSerde<K> implements Serde<Windowed<K>> {
  readonly name: string
  /** Serde of the key without its window, which alone decides the partition. */
  readonly key: Serde<K>
  readonly #sizeMs: number

  constructor(key: Serde<K>, sizeMs: number) {
    this.name = `windowed ${key.name}`
    this.key = key
    this.#sizeMs = sizeMs
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
    return { key, window: { start, end: start + this.#sizeMs } }
  }
}

/**
 * Serde of the keys of a windowed table, to read its topic back: `windowed(string(), 60_000)`. Writing such a table
 * with `to` needs none, the window is known there. `sizeMs` is the size of the windows in milliseconds.
 *
 * @example
 * ```ts
 * import { string, windowed } from 'millrace'
 *
 * const minutes = windowed(string(), 60_000)
 * const bytes = minutes.serialize({ key: 'a', window: { start: 60_000, end: 120_000 } })
 * bytes.toString('hex') // → '61000000000000ea60'
 * minutes.deserialize(bytes) // → { key: 'a', window: { start: 60_000, end: 120_000 } }
 * ```
 */
export function windowed<K>(key: Serde<K>, sizeMs: number): Serde<Windowed<K>> {
  return new WindowedSerde(key, sizeMs)
}
