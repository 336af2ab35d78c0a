import type { Serde } from './serde.ts'

const utf8: Serde<string> = Object.freeze({
  name: 'string',
  serialize: (value: string) => Buffer.from(value, 'utf8'),
  deserialize: (bytes: Buffer) => bytes.toString('utf8'),
})

/** Text as UTF-8, as Kafka's `StringSerializer` writes it. */
export function string(): Serde<string> {
  return utf8
}
