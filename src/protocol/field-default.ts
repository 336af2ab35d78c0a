import { zeroUuid } from './schema.ts'
import type { Fields, FieldSpec, PrimitiveKind, WireType } from './schema.ts'

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
