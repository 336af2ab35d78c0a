import assert from 'node:assert/strict'
import { zeroUuid } from './schema.ts'
import type { AnyMessage, Fields, FieldSpec, Message, PrimitiveKind, WireType } from './schema.ts'

/** The value of a field that is not on the wire. A new object or array each time: the caller may keep and change it. */
export function defaultOf(spec: FieldSpec): unknown {
  if (spec.default !== undefined) return spec.default
  if (spec.nullableSince !== Infinity) return null
  return neutralOf(spec.type)
}

const noBytes = Buffer.alloc(0)

const neutral: Record<PrimitiveKind, unknown> = {
  int8: 0,
  int16: 0,
  int32: 0,
  int64: 0,
  int64Big: 0n,
  float64: 0,
  bool: false,
  uuid: zeroUuid,
  string: '',
  bytes: noBytes,
  records: noBytes,
}

function neutralOf(type: WireType): unknown {
  if (type.kind === 'array') return []
  return type.kind === 'struct' ? structOfDefaults(type.fields) : neutral[type.kind]
}

function structOfDefaults(fields: Fields): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) out[name] = defaultOf(field.spec)
  return out
}

/**
 * The message with every omitted field filled in: what decoding would have given, for a peer in the same process to
 * whom nothing was encoded. `value` is not changed.
 */
export function fillDefaults<Out, In>(message: Message<Out, In>, value: NoInfer<In>): Out
export function fillDefaults(message: AnyMessage, value: unknown): unknown {
  return fillStruct(message.fields, value)
}

function fillStruct(fields: Fields, value: unknown): Record<string, unknown> {
  assert(isRecord(value), 'a struct must be an object')
  const out: Record<string, unknown> = {}
  for (const name in fields) {
    const spec = fields[name]?.spec
    assert(spec)
    const given = value[name]
    out[name] = given === undefined ? defaultOf(spec) : fillType(spec.type, given)
  }
  return out
}

function fillType(type: WireType, value: unknown): unknown {
  if (value === null) return null
  if (type.kind === 'struct') return fillStruct(type.fields, value)
  if (type.kind !== 'array' || !Array.isArray(value)) return value
  const elementType = type.element.spec.type
  return value.map(item => fillType(elementType, item))
}

/** Whether a tagged field need not be sent. */
export function isDefault(spec: FieldSpec, value: unknown): boolean {
  if (value === undefined) return true
  const nullable = spec.nullableSince !== Infinity
  if (Array.isArray(value)) return value.length === 0 && !nullable
  if (spec.type.kind === 'struct' && isRecord(value)) {
    const fields = Object.entries(spec.type.fields)
    return !nullable && fields.every(([name, field]) => isDefault(field.spec, value[name]))
  }
  return value === defaultOf(spec)
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
