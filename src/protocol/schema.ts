/**
 * Messages as data. A message is a list of named fields in wire order; each field has a type and the versions in which
 * it is there. Types, encoder, decoder and test data all follow from this one description (`codec.ts` compiles it).
 *
 * A field that is not on the wire in some version decodes to its default: null if it can be null, otherwise 0, '', [],
 * false, the zero uuid, or what `.default` says. Fields with such a default may be left out when encoding. A value
 * for a field that the chosen version lacks is not sent.
 */

export type PrimitiveKind =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'int64Big'
  | 'float64'
  | 'bool'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export type WireType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'array'; readonly element: AnyField }
  | { readonly kind: 'struct'; readonly fields: Fields }

export interface FieldSpec {
  readonly type: WireType
  /** First and last version with this field. */
  readonly since: number
  readonly until: number
  /** Number in the tag section of flexible versions; null for a field at a fixed place. */
  readonly tag: number | null
  /** First version in which the value may be null; Infinity for never. */
  readonly nullableSince: number
  /** Undefined: the neutral value of the type. */
  readonly default: unknown
  /** Whether an encoder may find it missing. */
  readonly omittable: boolean
}

/** One field. The methods return changed copies, so that a field reads as a sentence: `string.nullable().since(3)`. */
export class Field<Out, In = Out, Omittable extends boolean = false> {
  /** Carries the types only; never set. */
  declare readonly '~types'?: { out: Out; in: In; omittable: Omittable }
  readonly spec: FieldSpec

  constructor(spec: FieldSpec) {
    this.spec = spec
  }

  since(version: number): Field<Out, In, true> {
    return new Field({ ...this.spec, since: version, omittable: true })
  }

  until(version: number): Field<Out, In, true> {
    return new Field({ ...this.spec, until: version, omittable: true })
  }

  between(first: number, last: number): Field<Out, In, true> {
    return new Field({ ...this.spec, since: first, until: last, omittable: true })
  }

  /** A tagged field: optional on the wire, and left out by the encoder when it has its default. */
  tagged(tag: number): Field<Out, In, true> {
    return new Field({ ...this.spec, tag, omittable: true })
  }

  nullable(sinceVersion = 0): Field<Out | null, In | null, Omittable> {
    return new Field({ ...this.spec, nullableSince: sinceVersion })
  }

  default(value: Out): Field<Out, In, true> {
    return new Field({ ...this.spec, default: value, omittable: true })
  }
}

export type AnyField = Field<unknown, unknown, boolean>
export type Fields = Readonly<Record<string, AnyField>>

/** What decoding gives: every field, whatever the version. Takes a message, a field or an API's request or response. */
export type Infer<T> = T extends { readonly '~types'?: { out: infer Out } } ? Out : never
/** What encoding takes: fields with a default may be missing. */
export type InferInput<T> = T extends { readonly '~types'?: { in: infer In } } ? In : never

type OmittableName<F extends Fields> = {
  [Name in keyof F]: F[Name] extends { readonly '~types'?: { omittable: true } } ? Name : never
}[keyof F]
type Simplify<T> = { [Name in keyof T]: T[Name] }
export type OutOf<F extends Fields> = { -readonly [Name in keyof F]: Infer<F[Name]> }
export type InOf<F extends Fields> = Simplify<
  { readonly [Name in Exclude<keyof F, OmittableName<F>>]: InferInput<F[Name]> } & {
    readonly [Name in OmittableName<F>]?: InferInput<F[Name]> | undefined
  }
>

const field = <Out, In = Out>(type: WireType): Field<Out, In> =>
  new Field({
    type,
    since: 0,
    until: Infinity,
    tag: null,
    nullableSince: Infinity,
    default: undefined,
    omittable: false,
  })

export const int8 = field<number>({ kind: 'int8' })
export const int16 = field<number>({ kind: 'int16' })
export const int32 = field<number>({ kind: 'int32' })
/** 64 bits as a number: offsets, timestamps, sizes. A value that is not a safe integer is refused. */
export const int64 = field<number>({ kind: 'int64' })
/** 64 bits as a bigint: producer ids, of which a foreign cluster may use the whole range. */
export const int64Big = field<bigint>({ kind: 'int64Big' })
export const float64 = field<number>({ kind: 'float64' })
export const bool = field<boolean>({ kind: 'bool' })
/** Sixteen bytes as lower-case hexadecimal with dashes. */
export const uuid = field<string>({ kind: 'uuid' })
export const string = field<string>({ kind: 'string' })
/** Decodes to a view into the frame: copy what must outlive it. */
export const bytes = field<Buffer>({ kind: 'bytes' })
/** Record batches, undecoded; a view into the frame. */
export const records = field<Buffer>({ kind: 'records' })

export const zeroUuid = '00000000-0000-0000-0000-000000000000'

export function array<Out, In>(element: Field<Out, In, boolean>): Field<Out[], readonly In[]> {
  return field({ kind: 'array', element })
}

export function struct<const F extends Fields>(fields: F): Field<OutOf<F>, InOf<F>> {
  return field({ kind: 'struct', fields })
}

export interface VersionRange {
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact lengths and tag sections; null for never. */
  readonly flexibleFrom: number | null
}

/** A versioned struct that is encoded on its own: a request, a response, a record of an internal topic. */
export interface Message<Out, In> extends VersionRange {
  readonly '~types'?: { out: Out; in: In }
  readonly name: string
  readonly fields: Fields
}

export type AnyMessage = Message<unknown, unknown>

export function message<const F extends Fields>(
  name: string,
  range: VersionRange,
  fields: F,
): Message<OutOf<F>, InOf<F>> {
  const { minVersion, maxVersion, flexibleFrom } = range
  return { name, minVersion, maxVersion, flexibleFrom, fields }
}

/**
 * One request and its response. `Request` is what a caller may pass (defaults left out), `Response` what it gets; on
 * the broker's side `DecodedRequest` is what it gets and `ResponseInput` what it may return.
 */
export interface Api<
  Request,
  Response,
  DecodedRequest = unknown,
  ResponseInput = unknown,
> extends VersionRange {
  readonly key: number
  readonly name: string
  readonly request: Message<DecodedRequest, Request>
  readonly response: Message<Response, ResponseInput>
}

export type AnyApi = Api<unknown, unknown>

export function defineApi<const Q extends Fields, const S extends Fields>(
  api: VersionRange & { key: number; name: string; request: Q; response: S },
): Api<InOf<Q>, OutOf<S>, OutOf<Q>, InOf<S>> {
  const { key, name, minVersion, maxVersion, flexibleFrom } = api
  const request = message(`${name} request`, api, api.request)
  const response = message(`${name} response`, api, api.response)
  return { key, name, minVersion, maxVersion, flexibleFrom, request, response }
}
