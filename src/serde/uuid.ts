import type { Serde } from './serde.ts'

const asText: Serde<string> = Object.freeze({
  name: 'uuid',
  serialize: (value: string) => Buffer.from(canonical(value), 'latin1'),
  deserialize: (bytes: Buffer) => canonical(bytes.toString('latin1')),
})

/**
 * A UUID as its text of 36 characters, as Kafka's `UUIDSerializer` writes it. In small letters, whatever it was given in,
 * so that equal ids have equal bytes. Throws a RangeError, in both directions, for what is no UUID.
 *
 * @example
 * ```ts
 * import { uuid } from 'millrace'
 *
 * const bytes = uuid().serialize('6BA7B810-9DAD-11D1-80B4-00C04FD430C8')
 * uuid().deserialize(bytes) // → '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
 * uuid().serialize('6ba7b810') // throws RangeError
 * ```
 */
export function uuid(): Serde<string> {
  return asText
}

function canonical(text: string): string {
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase()
  throw new RangeError(`${JSON.stringify(text.slice(0, 40))} is not a UUID`)
}
