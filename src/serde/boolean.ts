import type { Serde } from './serde.ts'

const oneByte: Serde<boolean> = Object.freeze({
  name: 'boolean',
  serialize: (value: boolean) => Buffer.from([value ? 1 : 0]),
  deserialize(bytes: Buffer) {
    const [byte] = bytes
    if (bytes.length === 1 && (byte === 0 || byte === 1)) return byte === 1
    throw new RangeError(`A boolean is a byte 0 or 1, not ${bytes.toString('hex') || 'nothing'}`)
  },
})

/**
 * True or false in one byte, as Kafka's `BooleanSerializer` writes it. Reading anything but one byte 0 or 1 throws a
 * RangeError.
 *
 * @example
 * ```ts
 * import { boolean } from 'millrace'
 *
 * boolean().serialize(true).toString('hex') // → '01'
 * boolean().deserialize(Buffer.from([2])) // throws RangeError
 * ```
 */
export function boolean(): Serde<boolean> {
  return oneByte
}
