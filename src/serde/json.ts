import { MillraceError } from '../errors.ts'
import type { Serde } from './serde.ts'
import type { SchemaIssue, SchemaOutput, StandardSchema } from './standard-schema.ts'

/**
 * JSON as UTF-8. With a schema (Zod, or any other that implements Standard Schema) the type is the schema's, and what
 * is read is checked: the error says where in the value it is wrong. Without one the type is taken on trust:
 * `json<Order>()`. Writing does not check.
 *
 * Throws SERDE_ERROR for what is not JSON, does not fit the schema or cannot be written as JSON.
 *
 * @example
 * ```ts
 * import { json } from 'millrace'
 * import { z } from 'zod'
 *
 * const order = json(z.object({ id: z.string(), amount: z.number() }))
 * order.deserialize(Buffer.from('{"id":"o1","amount":3}')) // → { id: 'o1', amount: 3 }
 * order.deserialize(Buffer.from('{"id":"o1"}')) // throws SERDE_ERROR
 * json<{ id: string }>().serialize({ id: 'o1' }).toString() // → '{"id":"o1"}'
 * ```
 */
export function json<S extends StandardSchema>(schema: S): Serde<SchemaOutput<S>>
export function json<T = unknown>(): Serde<T>
export function json(schema?: StandardSchema): Serde<unknown> {
  if (schema === undefined) return unchecked
  const known = bySchema.get(schema)
  if (known !== undefined) return known
  const serde = newSerde(bytes => check(schema, parse(bytes)))
  bySchema.set(schema, serde)
  return serde
}

/** One serde for a schema, so that two streams of one type are seen to have the same one. */
const bySchema = new WeakMap<StandardSchema, Serde<unknown>>()
const unchecked = newSerde(parse)

function newSerde(deserialize: (bytes: Buffer) => unknown): Serde<unknown> {
  return Object.freeze({ name: 'json', serialize, deserialize })
}

function serialize(value: unknown): Buffer {
  // Undefined for what JSON has no text for, whatever the declared type says.
  const text: string | undefined = JSON.stringify(value)
  if (text !== undefined) return Buffer.from(text, 'utf8')
  throw new MillraceError(
    'SERDE_ERROR',
    `A value of type ${typeof value} cannot be written as JSON.`,
  )
}

function parse(bytes: Buffer): unknown {
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    const start = text.length > 40 ? `${text.slice(0, 40)}…` : text
    throw new MillraceError('SERDE_ERROR', `This is not JSON: ${JSON.stringify(start)}.`, { cause })
  }
}

function check(schema: StandardSchema, value: unknown): unknown {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    // Its outcome is of no use any more; a rejection must not end the process.
    result.catch(() => {})
    throw new MillraceError(
      'SERDE_ERROR',
      `The ${schema['~standard'].vendor} schema checks asynchronously, which a serde cannot wait for. Use a ` +
        'schema without asynchronous refinements, and do such checks in an operator.',
    )
  }
  if (result.issues === undefined) return result.value
  throw new MillraceError(
    'SERDE_ERROR',
    `The JSON does not fit its schema: ${result.issues.map(sentence).join('; ')}.`,
  )
}

function sentence({ path = [], message }: SchemaIssue): string {
  const keys = path.map(segment => String(typeof segment === 'object' ? segment.key : segment))
  return keys.length === 0 ? message : `at ${keys.join('.')}: ${message}`
}
