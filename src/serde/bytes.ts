import type { Serde } from './serde.ts'

const raw: Serde<Buffer> = Object.freeze({
  name: 'bytes',
  serialize: (value: Buffer) => value,
  deserialize: (bytes: Buffer) => Buffer.from(bytes),
})

/**
 * Bytes as they are, as Kafka's `ByteArraySerializer` writes them; copied when they are read because a record's bytes
 * are a view into its batch.
 *
 * @example
 * ```ts
 * import { bytes } from 'millrace'
 *
 * bytes().serialize(Buffer.from('raw')).toString() // → 'raw'
 * ```
 */
export function bytes(): Serde<Buffer> {
  return raw
}
