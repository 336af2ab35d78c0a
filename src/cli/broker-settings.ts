/**
 * The settings of `millrace broker`: of a file, over it those of the environment, over these the flags. A file and an
 * environment variable say the same things in the same words, those of `docs/broker.md`; the names of the variables are
 * `MILLRACE_BROKER_` and the setting's with underscores, their values YAML, of which JSON is a part.
 */
import { resolve } from 'node:path'
import { z } from 'zod'
import {
  brokerOptionsSchema,
  type CompleteBrokerOptions,
  completeBrokerOptions,
} from '../broker/broker-options.ts'
import { brokerConfigSchema } from '../broker/config.ts'
import { checkSettings, nearestName, SettingRefused } from '../broker/setting-refused.ts'
import { type LogLevel, logLevels } from '../logger.ts'
import type { Files } from '../platform/platform.ts'

export interface BrokerSettings {
  readonly options: CompleteBrokerOptions
  readonly logLevel: LogLevel
  /** Who said so, for each setting that somebody gave. */
  readonly sources: ReadonlyMap<string, string>
}

/** Where settings come from, the stronger ones later. */
export interface Source {
  /** By the name of the setting. */
  readonly values: Readonly<Record<string, unknown>>
  /** Names the place of a setting for the user: a line, a variable, a flag. */
  place(path: readonly PropertyKey[]): string
}

const commandSchema = z.strictObject({ logLevel: z.enum(logLevels).default('info') })
const optionNames = new Set(Object.keys(brokerOptionsSchema.shape))
// A file has these among the others.
optionNames.delete('config')
const configNames = new Set(Object.keys(brokerConfigSchema.shape))
const commandNames = new Set(Object.keys(commandSchema.shape))

/** All names that a file and the environment may use, in the order in which they are told. */
export const brokerSettingNames: readonly string[] = [
  ...new Set([...optionNames, ...commandNames, ...configNames]),
]

/**
 * Puts the sources together and checks them. Throws INVALID_CONFIG with a sentence that begins with the place of the
 * setting that cannot be used.
 */
export function brokerSettings(sources: readonly Source[], defaults: Defaults): BrokerSettings {
  const given = new Map<string, { value: unknown; source: Source }>()
  for (const source of sources) {
    for (const [name, value] of Object.entries(source.values)) {
      const before = given.get(name)?.value
      // A flag for one part leaves the others as they were.
      const merged = isRecord(value) && isRecord(before) ? { ...before, ...value } : value
      given.set(name, { value: merged, source })
    }
  }
  const pick = (names: ReadonlySet<string>): Record<string, unknown> =>
    Object.fromEntries(
      [...given].filter(([name]) => names.has(name)).map(([name, { value }]) => [name, value]),
    )
  const port = given.has('listeners') ? {} : { port: defaults.port }
  try {
    for (const name of given.keys()) refuseUnknown(name)
    const { data, ...options } = completeBrokerOptions({
      data: defaults.data,
      ...port,
      ...pick(optionNames),
      config: pick(configNames),
    })
    const { logLevel } = checkSettings(commandSchema, pick(commandNames), 'The broker setting')
    const places = [...given].map(([name, { source }]) => [name, source.place([name])] as const)
    const folder = resolve(defaults.workingFolder, data ?? defaults.data)
    return { options: { ...options, data: folder }, logLevel, sources: new Map(places) }
  } catch (error) {
    if (!(error instanceof SettingRefused)) throw error
    const path = pathInSource(error.path, given)
    const source = given.get(String(path[0]))?.source
    if (source === undefined) throw error
    throw new SettingRefused(path, `${source.place(path)}: ${error.message}`)
  }
}

export interface Defaults {
  readonly workingFolder: string
  readonly data: string
  /** Of the one listener when there are not several. */
  readonly port: number
}

/** As the user wrote it: settings stand side by side, and the one listener may be given by its parts. */
function pathInSource(
  path: readonly PropertyKey[],
  given: ReadonlyMap<string, unknown>,
): readonly PropertyKey[] {
  if (path[0] === 'config' && path.length > 1) return path.slice(1)
  return path[0] === 'listeners' && !given.has('listeners') ? path.slice(2) : path
}

function refuseUnknown(name: string): void {
  if (brokerSettingNames.includes(name)) return
  const nearest = nearestName(name, brokerSettingNames)
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  throw new SettingRefused([name], `The broker setting ${name} is not known.${hint}`)
}

/** The file's settings. Throws INVALID_CONFIG naming the file and the line when it is not YAML. */
export async function fileSettings(files: Files, path: string): Promise<Source> {
  const content = files.read(path)
  if (content === undefined) {
    throw new SettingRefused([], `There is no configuration file at ${path}. Check the path.`)
  }
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(content.toString(), { lineCounter: lines })
  const [problem] = document.errors
  if (problem !== undefined) {
    const [sentence = ''] = problem.message.split(/ at line |\n/, 1)
    throw new SettingRefused([], `${path}:${problem.linePos?.[0].line ?? 1}: ${sentence}.`)
  }
  const values: unknown = document.toJS() ?? {}
  if (!isRecord(values)) {
    throw new SettingRefused([], `${path}:1: A configuration consists of lines like "port: 9092".`)
  }

  /** The line of the setting that the path leads to, or of the one around it. */
  function lineOf(keys: readonly PropertyKey[]): number {
    let node: unknown = document.contents
    let offset = 0
    for (const key of keys) {
      let start: { range?: readonly number[] | null | undefined } | undefined
      if (yaml.isMap(node)) {
        const pair = node.items.find(
          item => yaml.isScalar(item.key) && String(item.key.value) === String(key),
        )
        start = yaml.isScalar(pair?.key) ? pair.key : undefined
        node = pair?.value
      } else if (yaml.isSeq(node)) {
        node = node.items[Number(key)]
        start = yaml.isNode(node) ? node : undefined
      }
      if (start === undefined) break
      offset = start.range?.[0] ?? offset
    }
    return lines.linePos(offset).line
  }

  return { values, place: keys => `${path}:${lineOf(keys)}` }
}

const PREFIX = 'MILLRACE_BROKER_'

/** The settings in the environment. Throws INVALID_CONFIG naming the variable when a value is not YAML. */
export async function environmentSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Source> {
  const variables = Object.entries(environment).filter(([name]) => name.startsWith(PREFIX))
  const values: Record<string, unknown> = {}
  for (const [variable, text = ''] of variables) {
    const { parse } = await import('yaml')
    try {
      values[settingOf(variable)] = parse(text)
    } catch (cause) {
      const [reason] = String(cause).split('\n', 1)
      throw new SettingRefused([], `${variable}: The value is not YAML. (${reason})`)
    }
  }
  return { values, place: ([name]) => variableOf(String(name)) }
}

function settingOf(variable: string): string {
  return variable
    .slice(PREFIX.length)
    .toLowerCase()
    .replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function variableOf(setting: string): string {
  return PREFIX + setting.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
