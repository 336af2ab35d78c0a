import { relative } from 'node:path'
import process from 'node:process'

import Table from 'cli-table3'

import { MillraceError } from '../../errors.ts'
import { text } from './final-state.ts'
import type { InputRecord } from './input-records.ts'

/** A difference between what should be and what is; undefined where there is no row. */
export interface Difference {
  readonly place: string
  readonly key: string
  readonly expected: string | undefined
  readonly actual: string | undefined
}

/** How the records that break a law were treated, a note for each. */
export interface Treatment {
  /** What the notes are about. */
  readonly title: string
  readonly notes: readonly string[]
}

/** What is wrong, found while a law is checked. */
export class Broken extends Error {
  readonly differences: readonly Difference[]

  constructor(differences: readonly Difference[]) {
    super('the law does not hold')
    this.differences = differences
  }
}

export interface LawFailure {
  /** Name of the law's function. */
  readonly law: string
  /** What it says. */
  readonly sentence: string
  readonly app: string
  readonly records: readonly InputRecord[]
  readonly treatment: Treatment
  readonly error: unknown
  readonly numShrinks: number
  readonly seed: number
  readonly path: string
  /** The file of the test; undefined when it is not known. */
  readonly testFile: string | undefined
}

/** The error of a law that does not hold, with everything that one needs to see why. */
export function lawBroken(failure: LawFailure): MillraceError {
  const { law, sentence, app, records, error, numShrinks, seed, path } = failure
  const replay = `${law}:${seed}:${path}`
  const message = [
    `${app} breaks the law that ${sentence}. ${shown(records.length)} it (made simpler ${numShrinks} times):`,
    recordTable(failure),
    error instanceof Broken
      ? differenceTable(error.differences)
      : `An error came: ${error instanceof Error ? error.message : String(error)}`,
    `To run this case again: MILLRACE_REPLAY='${replay}' ${command(failure.testFile)}`,
  ].join('\n\n')
  return new MillraceError('LAW_BROKEN', message, error instanceof Broken ? {} : { cause: error })
}

const shown = (count: number): string => (count === 1 ? '1 record shows' : `${count} records show`)

function recordTable({ records, treatment }: LawFailure): string {
  const topics = new Set(records.map(({ topic }) => topic))
  const rows = records.map(({ topic, key, value, timestamp }, at) => [
    at + 1,
    ...(topics.size > 1 ? [topic] : []),
    short(text(key)),
    short(text(value)),
    timestamp,
    treatment.notes[at] ?? '',
  ])
  return table(
    ['#', ...(topics.size > 1 ? ['topic'] : []), 'key', 'value', 'time', treatment.title],
    rows,
  )
}

function differenceTable(differences: readonly Difference[]): string {
  const shown = differences.slice(0, mostDifferences)
  const rows = shown.map(({ place, key, expected, actual }) => [
    place,
    short(key),
    short(expected ?? 'nothing'),
    short(actual ?? 'nothing'),
  ])
  const more = differences.length - shown.length
  return `${table(['where', 'key', 'expected', 'actual'], rows)}${more > 0 ? `\nand ${more} more` : ''}`
}

const mostDifferences = 10
const mostCharacters = 60

const short = (words: string): string =>
  words.length <= mostCharacters ? words : `${words.slice(0, mostCharacters - 1)}…`

function table(head: string[], rows: (string | number)[][]): string {
  const made = new Table({ head, style: { head: [], border: [], compact: true } })
  made.push(...rows)
  return made.toString()
}

function command(testFile: string | undefined): string {
  if (testFile === undefined) return '<the command that runs the test>'
  const file = relative(process.cwd(), testFile)
  if (process.env['VITEST'] !== undefined) return `npx vitest run ${file}`
  if (process.env['NODE_TEST_CONTEXT'] !== undefined) return `node --test ${file}`
  return `node ${file}`
}

/** The seed and path that the environment asks a law to run with, and nothing else. */
export function replayOf(law: string): { seed: number; path: string } | undefined {
  const [name, seed, ...path] = (process.env['MILLRACE_REPLAY'] ?? '').split(':')
  return name === law ? { seed: Number(seed), path: path.join(':') } : undefined
}

/** The file that the call of a law came from; `ownFolder` is a part of the stack that is not it. */
export function callingFile(stack: string, ownFolder: string): string | undefined {
  for (const [, file = ''] of stack.matchAll(/(?:file:\/\/)?(\/[^\s()]+?):\d+:\d+/g)) {
    if (!file.startsWith(ownFolder) && !file.includes('/node_modules/')) return file
  }
  return undefined
}
