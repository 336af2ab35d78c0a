import assert from 'node:assert/strict'
import { MillraceError } from '../errors.ts'
import { defaultOf, isDefault, isRecord } from './field-default.ts'
import { mismatch, scalarCodec } from './scalar-codecs.ts'
import type { Codec, Scope } from './scalar-codecs.ts'
import type { AnyField, AnyMessage, FieldSpec, Fields, Message } from './schema.ts'
import type { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/**
 * Encoder and decoder of a message in one version, compiled from its schema on first use into closures and kept. All
 * questions about versions are answered at compile time; what runs per message is a walk over the fields it has.
 */

/**
 * Decodes from the reader's position and leaves the reader behind the message. Bytes that follow are not looked at.
 * Throws PROTOCOL_ERROR naming message, version and field when the bytes do not hold such a message or when this
 * version is not known.
 */
export function decodeMessage<Out>(
  message: Message<Out, unknown>,
  version: number,
  reader: WireReader,
): Out
export function decodeMessage(message: AnyMessage, version: number, reader: WireReader): unknown {
  const codec = codecOf(message, version)
  reader.what = `${message.name} version ${version}`
  reader.field = ''
  return codec.read(reader)
}

/** Encodes behind what the writer holds. A value that does not fit the schema is a bug and fails an assertion. */
export function encodeMessage<In>(
  message: Message<unknown, In>,
  version: number,
  value: NoInfer<In>,
  writer: WireWriter,
): void {
  codecOf(message, version).write(writer, value)
}

/** Whether lengths are compact and structs end with tags in this version. */
export function isFlexible(message: { flexibleFrom: number | null }, version: number): boolean {
  return message.flexibleFrom !== null && version >= message.flexibleFrom
}

const compiled = new WeakMap<AnyMessage, (Codec | undefined)[]>()

function codecOf(message: AnyMessage, version: number): Codec {
  let versions = compiled.get(message)
  if (versions === undefined) {
    versions = []
    compiled.set(message, versions)
  }
  const known = versions[version]
  if (known !== undefined) return known
  const { minVersion, maxVersion } = message
  if (!(version >= minVersion && version <= maxVersion)) {
    throw new MillraceError(
      'PROTOCOL_ERROR',
      `${message.name} version ${version} is not known here: use ${minVersion} to ${maxVersion}.`,
    )
  }
  const scope = { version, flexible: isFlexible(message, version), path: '' }
  const codec = structCodec(message.fields, scope)
  versions[version] = codec
  return codec
}

function fieldCodec(field: AnyField, scope: Scope): Codec {
  const { type, nullableSince } = field.spec
  const nullable = scope.version >= nullableSince
  switch (type.kind) {
    case 'array':
      return arrayCodec(type.element, nullable, scope)
    case 'struct': {
      const codec = structCodec(type.fields, scope)
      return nullable ? nullableStructCodec(codec) : codec
    }
    default:
      return scalarCodec(type.kind, nullable, scope)
  }
}

function arrayCodec(elementField: AnyField, nullable: boolean, scope: Scope): Codec {
  const { flexible, path } = scope
  const element = fieldCodec(elementField, scope)
  return {
    minBytes: flexible ? 1 : 4,
    read(reader) {
      const count = reader.length(flexible)
      if (count < 0) {
        if (count === -1 && nullable) return null
        return reader.fail(count === -1 ? 'null is not allowed' : `${count} is not a count`)
      }
      if (count * element.minBytes > reader.remaining) {
        reader.fail(`${count} elements do not fit into the ${reader.remaining} bytes that are left`)
      }
      reader.takeElements(count)
      const values: unknown[] = []
      for (let i = 0; i < count; i++) {
        reader.field = path
        values.push(element.read(reader))
      }
      return values
    },
    write(writer, value) {
      if (value === null && nullable) return writer.length32(-1, flexible)
      if (!Array.isArray(value)) mismatch(path, 'array', value)
      writer.length32(value.length, flexible)
      for (const item of value) element.write(writer, item)
    },
  }
}

/** A struct that may be null is led by one byte: -1 for null, 1 for present. */
function nullableStructCodec(codec: Codec): Codec {
  return {
    minBytes: 1,
    read(reader) {
      return reader.int8() < 0 ? null : codec.read(reader)
    },
    write(writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) codec.write(writer, value)
    },
  }
}

interface PlannedField {
  readonly name: string
  readonly path: string
  readonly spec: FieldSpec
  /** Null when this version does not have the field at a fixed place. */
  readonly codec: Codec | null
}

interface TaggedField {
  readonly name: string
  readonly path: string
  readonly spec: FieldSpec
  readonly codec: Codec
  readonly tag: number
}

function structCodec(fields: Fields, scope: Scope): Codec {
  const { version, flexible } = scope
  const planned: PlannedField[] = []
  const tagged: TaggedField[] = []
  for (const [name, field] of Object.entries(fields)) {
    const { spec } = field
    const path = scope.path === '' ? name : `${scope.path}.${name}`
    const present = version >= spec.since && version <= spec.until
    const codec = present ? fieldCodec(field, { ...scope, path }) : null
    if (codec !== null && spec.tag !== null) {
      assert(flexible, `${path} is tagged in version ${version}, which has no tags`)
      tagged.push({ name, path, spec, codec, tag: spec.tag })
      planned.push({ name, path, spec, codec: null })
    } else {
      planned.push({ name, path, spec, codec })
    }
  }
  tagged.sort((a, b) => a.tag - b.tag)
  const wired = planned.filter(field => field.codec !== null)
  const tagsPath = scope.path === '' ? 'tags' : `${scope.path} tags`

  return {
    minBytes: wired.reduce((sum, field) => sum + (field.codec?.minBytes ?? 0), flexible ? 1 : 0),
    read(reader) {
      const out: Record<string, unknown> = {}
      for (const { name, path, spec, codec } of planned) {
        reader.field = path
        out[name] = codec === null ? defaultOf(spec) : codec.read(reader)
      }
      if (flexible) {
        reader.field = tagsPath
        readTags(reader, tagged, out)
      }
      return out
    },
    write(writer, value) {
      if (!isRecord(value)) mismatch(scope.path, 'object', value)
      for (const { name, path, spec, codec } of planned) {
        if (codec === null) continue
        codec.write(writer, valueOf(value, name, path, spec))
      }
      if (flexible) writeTags(writer, tagged, value)
    },
  }
}

function readTags(
  reader: WireReader,
  tagged: readonly TaggedField[],
  out: Record<string, unknown>,
): void {
  const count = reader.unsignedVarint()
  for (let i = 0; i < count; i++) {
    const tag = reader.unsignedVarint()
    const length = reader.unsignedVarint()
    const start = reader.take(length)
    const field = tagged.find(known => known.tag === tag)
    if (field === undefined) continue
    const behind = reader.at
    const end = reader.end
    const path = reader.field
    reader.at = start
    reader.end = behind
    reader.field = field.path
    out[field.name] = field.codec.read(reader)
    reader.at = behind
    reader.end = end
    reader.field = path
  }
}

function writeTags(
  writer: WireWriter,
  tagged: readonly TaggedField[],
  value: Readonly<Record<string, unknown>>,
): void {
  const set = tagged.filter(({ name, spec }) => !isDefault(spec, value[name]))
  writer.unsignedVarint(set.length)
  for (const { name, tag, codec } of set) {
    const content = new WireWriter(64)
    codec.write(content, value[name])
    writer.unsignedVarint(tag)
    writer.unsignedVarint(content.length)
    writer.raw(content.written())
  }
}

function valueOf(
  value: Readonly<Record<string, unknown>>,
  name: string,
  path: string,
  spec: FieldSpec,
): unknown {
  const given = value[name]
  if (given !== undefined) return given
  if (!spec.omittable) mismatch(path, spec.type.kind, given)
  return defaultOf(spec)
}
