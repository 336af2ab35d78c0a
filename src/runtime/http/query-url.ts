import { MillraceError } from '../../errors.ts'
import type { Isolation } from '../../state/row-reader.ts'
import type { QueryableDefinition } from '../../state/store-definition.ts'
import { storeSerdes } from '../../state/store-serdes.ts'
import type { KeyRange } from '../../state/stores.ts'
import type { Position } from '../queries/position.ts'
import type { QueryNode } from '../queries/query.ts'
import { type Format, parseKey, parsePrefix } from './row-json.ts'

/** How a question is to be answered. */
export interface RemoteOptions {
  /** One partition, where its number is known, or `all` to look in each of them. */
  readonly partition?: number | 'all'
  /** Whether a copy may answer when the instance that is at work cannot. @defaultValue false */
  readonly stale?: boolean
  /** How many records such a copy may be behind its changelog. @defaultValue any number */
  readonly maxLag?: number
  readonly isolation?: Isolation
  /** The answer reflects at least this. */
  readonly positionBound?: Position
  /** How long to wait for that, in milliseconds; at most 10_000. @defaultValue 0 */
  readonly waitMs?: number
  /** Rows of a range at most; 10_000 at most. @defaultValue 1000 */
  readonly limit?: number
}

export interface RemoteQuery extends RemoteOptions {
  readonly query: QueryNode
  readonly format: Format
  readonly limit: number
}

export const maxRows = 10_000
const defaultRows = 1000
const maxWaitMs = 10_000

/** The path and parameters of a question, with keys as bytes. Its inverse is `parseQuery`. */
export function queryUrl(
  definition: QueryableDefinition,
  query: QueryNode,
  options: RemoteOptions,
): string {
  const serdes = storeSerdes(definition)
  const text = (key: unknown): string => serdes.keyBytes(key).toString('base64url')
  const parameters = new URLSearchParams({ format: 'bytes' })
  const set = (name: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined && value !== false) parameters.set(name, String(value))
  }
  const { positionBound, ...plain } = options
  for (const [name, value] of Object.entries(plain)) set(name, value)
  if (positionBound !== undefined) set('position', JSON.stringify(positionBound))
  const base = `/stores/${encodeURIComponent(definition.name)}`
  // A path cannot have an empty step: the bytes of a key follow a letter.
  const of = (key: unknown, what = ''): string =>
    `${base}/keys/~${text(key)}${what}?${parameters.toString()}`
  switch (query.kind) {
    case 'key':
      return of(query.key)
    case 'versionedKey':
      set('asOf', query.asOf ?? 'latest')
      return of(query.key)
    case 'windowKey':
    case 'multiVersionedKey':
      for (const [name, value] of Object.entries(query.range)) set(name, value)
      return of(query.key, query.kind === 'windowKey' ? '/windows' : '/versions')
    case 'session':
      for (const [name, value] of Object.entries(query.range)) set(name, value)
      return of(query.key, '/sessions')
    case 'range': {
      const { from, to, prefix, reverse } = query.range
      if (from !== undefined) set('fromKey', text(from))
      if (to !== undefined) set('toKey', text(to))
      if (prefix !== undefined) set('prefix', prefix.toString('base64url'))
      set('reverse', reverse)
      break
    }
    case 'windowRange':
    case 'sessionRange': {
      const { fromKey, toKey, ...times } = query.range
      if (fromKey !== undefined) set('fromKey', text(fromKey))
      if (toKey !== undefined) set('toKey', text(toKey))
      for (const [name, value] of Object.entries(times)) set(name, value)
      break
    }
    default:
      query satisfies never
  }
  return `${base}/rows?${parameters.toString()}`
}

/** What of a key is asked, or of all rows. */
export type Part = 'row' | 'windows' | 'sessions' | 'versions' | 'rows'

/** Throws INVALID_CONFIG for what is no question to this kind of store, and what the serde throws of a key that is none. */
export function parseQuery(
  definition: QueryableDefinition,
  part: Part,
  keyText: string | undefined,
  parameters: URLSearchParams,
): RemoteQuery {
  const format = parameters.get('format') ?? 'json'
  if (format !== 'json' && format !== 'bytes') throw wrong('format', format, 'json or bytes')
  const number = (name: string): number | undefined => numberOf(parameters, name)
  const flag = (name: string): boolean => flagOf(parameters, name)
  const key = (text: string): unknown => keyOf(definition, text, format)
  const keyIn = (name: string): { value: unknown } | undefined => {
    const text = parameters.get(name)
    return text === null ? undefined : { value: key(text) }
  }
  const isolation = parameters.get('isolation') ?? 'readUncommitted'
  if (isolation !== 'readUncommitted' && isolation !== 'readCommitted') {
    throw wrong('isolation', isolation, 'readUncommitted or readCommitted')
  }
  const isEverywhere = parameters.get('partition') === 'all'
  const partition: number | 'all' | undefined = isEverywhere ? 'all' : number('partition')
  const [maxLag, positionBound] = [number('maxLag'), positionOf(parameters)]
  const options = {
    format,
    isolation,
    stale: flag('stale'),
    limit: Math.min(number('limit') ?? defaultRows, maxRows),
    waitMs: Math.min(number('waitMs') ?? 0, maxWaitMs),
    ...(partition !== undefined && { partition }),
    ...(maxLag !== undefined && { maxLag }),
    ...(positionBound !== undefined && { positionBound }),
  } as const
  const reverse = flag('reverse')
  const span = { ...defined('from', number('from')), ...defined('to', number('to')), reverse }
  const sessionSpan = {
    ...defined('earliestEnd', number('earliestEnd')),
    ...defined('latestStart', number('latestStart')),
    reverse,
  }
  const [fromKey, toKey] = [keyIn('fromKey'), keyIn('toKey')]
  const keys = {
    ...(fromKey !== undefined && { fromKey: fromKey.value }),
    ...(toKey !== undefined && { toKey: toKey.value }),
  }
  const wanted =
    keyText === undefined ? undefined : key(format === 'bytes' ? keyText.slice(1) : keyText)
  const queryOf = (): QueryNode => {
    switch (part) {
      case 'row': {
        const asOf = parameters.get('asOf')
        if (asOf === null) return { kind: 'key', key: wanted }
        return {
          kind: 'versionedKey',
          key: wanted,
          ...(asOf !== 'latest' && defined('asOf', number('asOf'))),
        }
      }
      case 'windows':
        return { kind: 'windowKey', key: wanted, range: span }
      case 'sessions':
        return { kind: 'session', key: wanted, range: sessionSpan }
      case 'versions':
        return { kind: 'multiVersionedKey', key: wanted, range: span }
      case 'rows':
        if (definition.kind === 'session') {
          return { kind: 'sessionRange', range: { ...sessionSpan, ...keys } }
        }
        if (definition.kind === 'window' || definition.kind === 'timestampedWindow') {
          return { kind: 'windowRange', range: { ...span, ...keys } }
        }
        return {
          kind: 'range',
          range: rangeOf(definition, parameters, { fromKey, toKey, reverse, format }),
        }
      default:
        return part satisfies never
    }
  }
  return { ...options, query: queryOf() }
}

function rangeOf(
  definition: QueryableDefinition,
  parameters: URLSearchParams,
  found: {
    fromKey: { value: unknown } | undefined
    toKey: { value: unknown } | undefined
    reverse: boolean
    format: Format
  },
): KeyRange<unknown> {
  const prefix = parameters.get('prefix')
  const { fromKey, toKey, reverse, format } = found
  return {
    reverse,
    ...(fromKey !== undefined && { from: fromKey.value }),
    ...(toKey !== undefined && { to: toKey.value }),
    ...(prefix !== null && { prefix: parsePrefix(definition, prefix, format) }),
  }
}

function keyOf(definition: QueryableDefinition, text: string, format: Format): unknown {
  try {
    return parseKey(definition, text, format)
  } catch (cause) {
    throw new MillraceError(
      'SERDE_ERROR',
      `'${text.slice(0, 100)}' is no key of the store ${definition.name}, whose keys are ${definition.key.name}.`,
      { cause },
    )
  }
}

function numberOf(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name)
  if (text === null) return undefined
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value) || value < 0) {
    throw wrong(name, text, 'a whole number of at least 0')
  }
  return value
}

function flagOf(parameters: URLSearchParams, name: string): boolean {
  const text = parameters.get(name) ?? 'false'
  if (text !== 'true' && text !== 'false') throw wrong(name, text, 'true or false')
  return text === 'true'
}

function positionOf(parameters: URLSearchParams): Position | undefined {
  const text = parameters.get('position')
  if (text === null) return undefined
  const position = jsonOf(text)
  if (isPosition(position)) return position
  throw wrong('position', text, 'JSON like {"topic":{"0":12}}')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Whoever asks is told what is right.
    return undefined
  }
}

const isPosition = (value: unknown): value is Position =>
  isRecord(value) &&
  Object.values(value).every(
    offsets => isRecord(offsets) && Object.values(offsets).every(Number.isSafeInteger),
  )

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const defined = <Name extends string, T>(name: Name, value: T | undefined): { [N in Name]?: T } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  (value === undefined ? {} : { [name]: value }) as { [N in Name]?: T }

const wrong = (name: string, text: string, right: string): MillraceError =>
  new MillraceError('INVALID_CONFIG', `${name} is '${text.slice(0, 100)}'. Give ${right}.`)
