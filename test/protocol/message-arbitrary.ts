import * as fc from 'fast-check'
import { defaultOf } from '../../src/protocol/field-default.ts'
import type {
  AnyMessage,
  Fields,
  FieldSpec,
  PrimitiveKind,
  WireType,
} from '../../src/protocol/schema.ts'

const bytes = fc.uint8Array({ maxLength: 20 }).map(array => Buffer.from(array))

const anyValue: Record<PrimitiveKind, fc.Arbitrary<unknown>> = {
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  int64Big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true }),
  bool: fc.boolean(),
  uuid: fc.uuid(),
  string: fc.string({ unit: 'grapheme', maxLength: 200 }),
  bytes,
  records: bytes,
}

/**
 * Values of a message as they come out of decoding: what the version lacks has its default. `preferred`: where scalars
 * of some kinds are taken from instead of all values.
 */
export function messageArbitrary(
  message: AnyMessage,
  version: number,
  preferred: Partial<Record<PrimitiveKind, fc.Arbitrary<unknown>>> = {},
): fc.Arbitrary<unknown> {
  const primitives = { ...anyValue, ...preferred }
  const typed = (type: WireType): fc.Arbitrary<unknown> => {
    if (type.kind === 'struct') return struct(type.fields)
    if (type.kind !== 'array') return primitives[type.kind]
    return fc.array(typed(type.element.spec.type), { maxLength: 3 })
  }
  const field = (spec: FieldSpec): fc.Arbitrary<unknown> => {
    if (version < spec.since || version > spec.until)
      return fc.constant(null).map(() => defaultOf(spec))
    const value = typed(spec.type)
    return version >= spec.nullableSince ? fc.option(value, { freq: 3 }) : value
  }
  const struct = (fields: Fields): fc.Arbitrary<unknown> =>
    fc.record(
      Object.fromEntries(Object.entries(fields).map(([name, { spec }]) => [name, field(spec)])),
      { noNullPrototype: true },
    )
  return struct(message.fields)
}
