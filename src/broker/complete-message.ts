import { defaultOf } from '../protocol/field-default.ts'
import type { AnyField, Fields, Message } from '../protocol/schema.ts'

/** On the wire a request's bytes belong to the broker, which stamps batches in place; a response's are only read. */
export type BytesOf = 'request' | 'response'

/**
 * What a message would decode to had it been encoded in this version: fields left out get their default, fields that the
 * version does not have too. The in-process connection hands messages over through this instead of through bytes, so
 * that nobody can come to rely on more than the wire carries. Bytes of requests are copied, bytes of responses shared.
 */
export function completeMessage<Out>(
  message: Message<Out, unknown>,
  version: number,
  value: unknown,
  bytesOf: BytesOf,
): Out
export function completeMessage(
  message: Message<unknown, unknown>,
  version: number,
  value: unknown,
  bytesOf: BytesOf,
): unknown {
  return completeStruct(message.fields, { version, bytesOf }, value)
}

interface Scope {
  readonly version: number
  readonly bytesOf: BytesOf
}

function completeStruct(fields: Fields, scope: Scope, value: unknown): Record<string, unknown> {
  const given: Readonly<Record<string, unknown>> = isRecord(value) ? value : {}
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const { since, until } = field.spec
    const there = scope.version >= since && scope.version <= until ? given[name] : undefined
    out[name] = there === undefined ? defaultOf(field.spec) : completeField(field, scope, there)
  }
  return out
}

function completeField(field: AnyField, scope: Scope, value: unknown): unknown {
  if (value === null) return null
  const { type } = field.spec
  if (type.kind === 'struct') return completeStruct(type.fields, scope, value)
  if (type.kind === 'array' && Array.isArray(value)) {
    const { element } = type
    return value.map((item: unknown) => completeField(element, scope, item))
  }
  return scope.bytesOf === 'request' && Buffer.isBuffer(value) ? Buffer.from(value) : value
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
