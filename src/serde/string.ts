import type { Serde } from './serde.ts'

const utf8: Serde<string> = Object.freeze({
  name: 'string',
  serialize: (value: string) => Buffer.from(value, 'utf8'),
  deserialize: (bytes: Buffer) => bytes.toString('utf8'),
})

/**
 * Text as UTF-8, as Kafka's `StringSerializer` writes it.
 *
 * @example
 * ```ts
 * import { string } from 'millrace'
 *
 * string().serialize('é').toString('hex') // → 'c3a9'
 * string().deserialize(Buffer.from('yes')) // → 'yes'
 * ```
 */
export function string(): Serde<string> {
  return utf8
}
