import { defaultOf } from '../../src/protocol/field-default.ts'
import type {
  AnyMessage,
  Fields,
  FieldSpec,
  PrimitiveKind,
  WireType,
} from '../../src/protocol/schema.ts'

/**
 * A value for a message in which no two fields of one size hold the same thing and nothing holds its default: two
 * fields in the wrong order, or one forgotten, cannot go unnoticed. Only what the version has is filled; the rest has
 * its default, as after decoding.
 */
export function distinctValue(message: AnyMessage, version: number): Record<string, unknown> {
  let counter = 0
  const scalar: Record<PrimitiveKind, () => unknown> = {
    int8: () => (++counter % 100) + 2,
    int16: () => (++counter % 90) + 1,
    int32: () => 100_000 + ++counter,
    int64: () => 10_000_000_000 + ++counter,
    int64Big: () => 20_000_000_000n + BigInt(++counter),
    float64: () => ++counter + 0.5,
    bool: () => true,
    uuid: () => `00000000-0000-4000-8000-${(++counter).toString(16).padStart(12, '0')}`,
    string: () => `text-${++counter}`,
    bytes: () => Buffer.from(`bytes-${++counter}`),
    records: () => Buffer.from(`records-${++counter}`),
  }
  const typed = (type: WireType): unknown => {
    if (type.kind === 'struct') return struct(type.fields)
    if (type.kind !== 'array') return scalar[type.kind]()
    const element = type.element.spec.type
    return [typed(element), typed(element)]
  }
  const field = (spec: FieldSpec): unknown => {
    const present = version >= spec.since && version <= spec.until
    if (!present) return defaultOf(spec)
    const value = typed(spec.type)
    return value === defaultOf(spec) ? !value : value
  }
  const struct = (fields: Fields): Record<string, unknown> =>
    Object.fromEntries(Object.entries(fields).map(([name, { spec }]) => [name, field(spec)]))
  return struct(message.fields)
}
