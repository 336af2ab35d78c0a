import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { PrimitiveKind } from './schema.ts'
import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/** How one field is read and written in one version. */
export interface Codec {
  read(reader: WireReader): unknown
  write(writer: WireWriter, value: unknown): void
  /** The shortest encoding in bytes: bounds array counts. */
  readonly minBytes: number
}

/** Where in which encoding a field stands. */
export interface Scope {
  readonly version: number
  readonly flexible: boolean
  /** Names from the message to the field, for error messages. */
  readonly path: string
}

/** Codec of a field that is neither array nor struct. */
export function scalarCodec(kind: PrimitiveKind, nullable: boolean, scope: Scope): Codec {
  return scalars[kind](scope, nullable)
}

const scalars: Record<PrimitiveKind, (scope: Scope, nullable: boolean) => Codec> = {
  int8: ({ path }) => integerCodec('int8', path, 1, -0x80, 0x7f),
  int16: ({ path }) => integerCodec('int16', path, 2, -0x8000, 0x7fff),
  int32: ({ path }) => integerCodec('int32', path, 4, -0x8000_0000, 0x7fff_ffff),
  int64: ({ path }) =>
    integerCodec('int64', path, 8, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  int64Big: ({ path }) => ({
    minBytes: 8,
    read: reader => reader.int64Big(),
    write(writer, value) {
      if (typeof value !== 'bigint') mismatch(path, 'bigint', value)
      writer.int64Big(value)
    },
  }),
  float64: ({ path }) => ({
    minBytes: 8,
    read: reader => reader.float64(),
    write(writer, value) {
      if (typeof value !== 'number') mismatch(path, 'number', value)
      writer.float64(value)
    },
  }),
  bool: ({ path }) => ({
    minBytes: 1,
    read: reader => reader.bool(),
    write(writer, value) {
      if (typeof value !== 'boolean') mismatch(path, 'boolean', value)
      writer.int8(value ? 1 : 0)
    },
  }),
  uuid: ({ path }) => ({
    minBytes: 16,
    read: reader => reader.uuid(),
    write(writer, value) {
      if (typeof value !== 'string' || !uuidForm.test(value)) mismatch(path, 'uuid', value)
      writer.uuid(value)
    },
  }),
  string: ({ path, flexible }, nullable) => ({
    minBytes: flexible ? 1 : 2,
    read: reader => present(reader, reader.string(flexible), nullable),
    write(writer, value) {
      if (value === null && nullable) return writer.string(null, flexible)
      if (typeof value !== 'string') mismatch(path, 'string', value)
      writer.string(value, flexible)
    },
  }),
  bytes: bytesCodec,
  records: bytesCodec,
}

function bytesCodec({ path, flexible }: Scope, nullable: boolean): Codec {
  return {
    minBytes: flexible ? 1 : 4,
    read: reader => present(reader, reader.bytes(flexible), nullable),
    write(writer, value) {
      if (value === null && nullable) return writer.bytes(null, flexible)
      if (!Buffer.isBuffer(value)) mismatch(path, 'Buffer', value)
      writer.bytes(value, flexible)
    },
  }
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

type IntegerKind = 'int8' | 'int16' | 'int32' | 'int64'

function integerCodec(
  kind: IntegerKind,
  path: string,
  size: number,
  min: number,
  max: number,
): Codec {
  return {
    minBytes: size,
    read: reader => reader[kind](),
    write(writer, value) {
      if (typeof value !== 'number' || !(value >= min && value <= max) || value % 1 !== 0) {
        mismatch(path, kind, value)
      }
      writer[kind](value)
    },
  }
}

function present<T>(reader: WireReader, value: T | null, nullable: boolean): T | null {
  return value === null && !nullable ? reader.fail('null is not allowed') : value
}

/** A value that does not fit its field is a mistake of the caller. */
export function mismatch(path: string, expected: string, value: unknown): never {
  assert.fail(`${path} must be of type ${expected}, not ${inspect(value, { depth: 0 })}`)
}
