import type { Serde } from './serde.ts'

const raw: Serde<Buffer> = Object.freeze({
  name: 'bytes',
  serialize: (value: Buffer) => value,
  deserialize: (bytes: Buffer) => Buffer.from(bytes),
})

/** Bytes as they are, copied when they are read because a record's bytes are a view into its batch. */
export function bytes(): Serde<Buffer> {
  return raw
}
