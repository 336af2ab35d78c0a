import type { Serde } from '../../serde/serde.ts'
import type { QueryableDefinition } from '../../state/store-definition.ts'
import { storeSerdes } from '../../state/store-serdes.ts'

/**
 * How keys and values travel. `json`, for people: the key or value as JSON, big integers as text, bytes in base64. `bytes`, for
 * programs that have the serdes: what the serde writes, in base64url.
 */
export type Format = 'json' | 'bytes'

/** A row as it travels; of a key, what is in the question already is left out. */
export type RowJson = Readonly<Record<string, unknown>>

/** Encodes the keys and values of rows, and leaves their times as they are. A time without end is null. */
export function rowEncoder(
  definition: QueryableDefinition,
  format: Format,
): (row: object) => RowJson {
  const serdes = storeSerdes(definition)
  const part = (name: string, value: unknown): unknown => {
    if (value === Infinity) return null
    if (name !== 'key' && name !== 'value') return value
    if (format === 'json') return plain(value)
    return (name === 'key' ? serdes.keyBytes(value) : serdes.valueBytes(value)).toString(
      'base64url',
    )
  }
  return row =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, part(name, value)]))
}

/** The inverse, of the format `bytes`. */
export function rowDecoder(definition: QueryableDefinition): (row: RowJson) => unknown {
  const serdes = storeSerdes(definition)
  return row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        if (name === 'key') return [name, serdes.key(Buffer.from(String(value), 'base64url'))]
        if (name === 'value') return [name, serdes.value(Buffer.from(String(value), 'base64url'))]
        return [name, name === 'validTo' && value === null ? Infinity : value]
      }),
    )
}

/** What JSON cannot say is said with what it can. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) {
    return Buffer.from(value).toString('base64')
  }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}

/** A key as it stands in a URL: the text itself of strings and UUIDs, numbers in digits, bytes in base64url, all others as JSON. */
export function parseKey(
  { key: serde }: { key: Serde<unknown> },
  text: string,
  format: Format,
): unknown {
  if (format === 'bytes') return serde.deserialize(Buffer.from(text, 'base64url'))
  if (textSerdes.has(serde.name)) return text
  if (serde.name === 'bytes') return Buffer.from(text, 'base64url')
  return JSON.parse(text)
}

/** The bytes with which keys begin. */
export function parsePrefix(
  { key: serde }: { key: Serde<unknown> },
  text: string,
  format: Format,
): Buffer {
  return format === 'json' && serde.name === 'string'
    ? Buffer.from(text)
    : Buffer.from(text, 'base64url')
}

const textSerdes = new Set(['string', 'uuid'])
