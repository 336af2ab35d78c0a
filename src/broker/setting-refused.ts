import { z } from 'zod'
import { MillraceError } from '../errors.ts'

/** A setting cannot be used. `path` leads to it, so that whoever read it from a file can name the line. */
export class SettingRefused extends MillraceError {
  override readonly name = 'SettingRefused'
  readonly path: readonly PropertyKey[]

  constructor(path: readonly PropertyKey[], message: string) {
    super('INVALID_CONFIG', message)
    this.path = path
  }
}

/**
 * Settings as the schema wants them, with its defaults. Throws SettingRefused for the first that it does not take; of one
 * that it does not know the sentence names the nearest that it does. `what` begins the sentence: `The broker setting`.
 */
export function checkSettings<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const path = [...issue.path, key]
    const nearest = nearestName(key, namesAt(schema, issue.path))
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
    throw new SettingRefused(path, `${what} ${shown(path)} is not known.${hint}`)
  }
  const path = issue?.path ?? []
  const problem = issue === undefined ? 'it is not valid' : lowerFirst(issue.message)
  throw new SettingRefused(path, `${what} ${shown(path)} cannot be used: ${problem}.`)
}

/** `listeners[0].port`; the settings of a broker stand in `config` only when it is embedded. */
function shown(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' || text === 'config' ? String(key) : `${text}.${String(key)}`
  }, '')
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** The names that the schema knows at the path. */
function namesAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return namesAt(schema.def.innerType, path)
  }
  const [key, ...rest] = path
  if (schema instanceof z.ZodArray) return namesAt(schema.element, rest)
  if (!(schema instanceof z.ZodObject)) return []
  return key === undefined ? Object.keys(schema.shape) : namesAt(schema.shape[String(key)], rest)
}

/** The name that is most like the given one; undefined when none is. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Math.max(2, Math.floor(given.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(given.toLowerCase(), name.toLowerCase())
    if (distance < least) [nearest, least] = [name, distance]
  }
  return nearest
}

/** Letters to insert, remove or change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
