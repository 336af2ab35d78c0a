import { readSafeInt64, writeInt64 } from '../protocol/int64.ts'
import type { Serde } from './serde.ts'

const int16: Serde<number> = Object.freeze({
  name: 'short',
  serialize(value: number) {
    const bytes = Buffer.allocUnsafe(2)
    bytes.writeInt16BE(whole(value), 0)
    return bytes
  },
  deserialize(bytes: Buffer) {
    return expectSize(bytes, 2, 'A short').readInt16BE(0)
  },
})

const int32: Serde<number> = Object.freeze({
  name: 'integer',
  serialize(value: number) {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeInt32BE(whole(value), 0)
    return bytes
  },
  deserialize(bytes: Buffer) {
    return expectSize(bytes, 4, 'An integer').readInt32BE(0)
  },
})

const int64: Serde<number> = Object.freeze({
  name: 'long',
  serialize(value: number) {
    const bytes = Buffer.allocUnsafe(8)
    writeInt64(bytes, whole(value), 0)
    return bytes
  },
  deserialize(bytes: Buffer) {
    return readSafeInt64(expectSize(bytes, 8, 'A long'), 0)
  },
})

const float32: Serde<number> = Object.freeze({
  name: 'float',
  serialize(value: number) {
    if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      throw new RangeError(`${value} is beyond the range of a float`)
    }
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeFloatBE(value, 0)
    return bytes
  },
  deserialize(bytes: Buffer) {
    return expectSize(bytes, 4, 'A float').readFloatBE(0)
  },
})

const float64: Serde<number> = Object.freeze({
  name: 'double',
  serialize(value: number) {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleBE(value, 0)
    return bytes
  },
  deserialize(bytes: Buffer) {
    return expectSize(bytes, 8, 'A double').readDoubleBE(0)
  },
})

/**
 * A whole number in 2 big-endian bytes, as Kafka's `ShortSerializer` writes it. Throws a RangeError outside of int16.
 *
 * @example
 * ```ts
 * import { short } from 'millrace'
 *
 * short().serialize(258).toString('hex') // → '0102'
 * short().serialize(2 ** 15) // throws ERR_OUT_OF_RANGE
 * ```
 */
export function short(): Serde<number> {
  return int16
}

/**
 * A whole number in 4 big-endian bytes, as Kafka's `IntegerSerializer` writes it. Throws a RangeError outside of int32.
 *
 * @example
 * ```ts
 * import { integer } from 'millrace'
 *
 * integer().serialize(258).toString('hex') // → '00000102'
 * integer().serialize(2 ** 31) // throws ERR_OUT_OF_RANGE
 * ```
 */
export function integer(): Serde<number> {
  return int32
}

/**
 * A whole number in 8 big-endian bytes, as Kafka's `LongSerializer` writes it. Throws a RangeError, in both directions,
 * for what is not a safe integer (beyond 2^53 - 1).
 *
 * @example
 * ```ts
 * import { long } from 'millrace'
 *
 * long().serialize(258).toString('hex') // → '0000000000000102'
 * long().serialize(2 ** 53) // throws RangeError
 * ```
 */
export function long(): Serde<number> {
  return int64
}

/**
 * A number in 4 big-endian bytes, as Kafka's `FloatSerializer` writes it: about seven digits, to which a number is rounded.
 * Throws a RangeError beyond its range, and for reading anything but 4 bytes.
 *
 * @example
 * ```ts
 * import { float } from 'millrace'
 *
 * float().deserialize(float().serialize(0.5)) // → 0.5
 * float().deserialize(float().serialize(0.1)) // → 0.10000000149011612
 * float().serialize(1e39) // throws RangeError
 * ```
 */
export function float(): Serde<number> {
  return float32
}

/**
 * A number in 8 big-endian bytes, as Kafka's `DoubleSerializer` writes it. Reading anything but 8 bytes throws a
 * RangeError.
 *
 * @example
 * ```ts
 * import { double } from 'millrace'
 *
 * double().serialize(0.5).toString('hex') // → '3fe0000000000000'
 * double().deserialize(Buffer.alloc(4)) // throws RangeError
 * ```
 */
export function double(): Serde<number> {
  return float64
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`)
  return value
}

function expectSize(bytes: Buffer, size: number, what: string): Buffer {
  if (bytes.length === size) return bytes
  throw new RangeError(`${what} has ${size} bytes, not ${bytes.length}`)
}
