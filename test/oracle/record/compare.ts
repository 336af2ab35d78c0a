import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'

import { describe } from '../../../src/index.ts'
import {
  buildProgram,
  inputsOf,
  type Program,
  topicsOf,
  toJava,
  without,
} from '../programs/index.ts'
import { type BuildTopology, compile, play, recorded, type Shown } from '../runner.ts'
import { parseScenario, type Scenario } from '../scenario.ts'

/** A scenario to ask Kafka Streams about, and its topology in our DSL. */
export interface Question {
  readonly scenario: Scenario
  readonly build: BuildTopology
}

export interface Difference {
  /** What differs. */
  readonly part: string
  readonly expected: unknown
  readonly actual: unknown
}

let recorder: { input: Writable; answers: AsyncIterator<string> } | undefined

/** The program that records; one is enough. */
function startRecorder(): { input: Writable; answers: AsyncIterator<string> } {
  const child = spawn(path.join(import.meta.dirname, 'record'), [], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return {
    input: child.stdin,
    answers: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
  }
}

/** Ends the program that records. */
export function stopRecorder(): void {
  recorder?.input.end()
}

/** The scenarios as Kafka Streams plays them, in the same order. */
export async function record(scenarios: readonly Scenario[]): Promise<Scenario[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'differ-'))
  const [asked, answered] = [path.join(folder, 'asked'), path.join(folder, 'answered')]
  try {
    mkdirSync(asked)
    for (const [i, scenario] of scenarios.entries()) {
      writeFileSync(path.join(asked, `${i}.json`), JSON.stringify(scenario))
    }
    recorder ??= startRecorder()
    recorder.input.write(`${asked}\n${answered}\n`)
    const { done } = await recorder.answers.next()
    if (done === true) throw new Error('the recorder has ended, see its message above')
    return scenarios.map((_, i) =>
      parseScenario(readFileSync(path.join(answered, `${i}.json`), 'utf8')),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Failures that say nothing of what Millrace should do. */
const defects = [
  // A lambda met a null that the same function in TypeScript bears.
  'Cannot invoke',
  // The order in which Kafka Streams connects nodes with stores fails it.
  'is not added yet',
  // Its optimizer does not understand some joins.
  'Found a null keyChangingChild node',
]

/** Where Millrace differs from the recording; undefined where it does not. */
export function difference(scenario: Scenario, build: BuildTopology): Difference | undefined {
  const message = scenario.error?.message ?? ''
  if (defects.some(defect => message.includes(defect))) return undefined
  let actual: Shown
  let expected: Shown | undefined
  try {
    expected = recorded(scenario, build)
    actual = play(scenario, build)
    if (scenario.describe !== undefined) {
      const text = describe(compile(scenario, build))
      if (text !== scenario.describe) {
        return { part: 'describe', expected: scenario.describe, actual: text }
      }
    }
  } catch (error) {
    return { part: 'thrown', expected, actual: error instanceof Error ? error.stack : error }
  }
  for (const part of [
    'failed',
    'outputs',
    'logs',
    'stores',
    'internalTopics',
    'droppedRecords',
  ] as const) {
    if (!isDeepStrictEqual(actual[part], expected[part])) {
      return { part, expected: expected[part], actual: actual[part] }
    }
  }
  return undefined
}

/** A question with fewer steps and, of a program, fewer calls that still differs, as far as leaving out leads there. */
export async function shrink(question: Question): Promise<Question> {
  let smallest = await shrinkSteps(question)
  for (;;) {
    const { program } = smallest.scenario
    if (program === undefined) return smallest
    const candidates = program
      .map((_, i) => ofProgram(smallest.scenario, without(program, i)))
      .filter(({ scenario }) => (scenario.program?.length ?? 0) > 0)
    const smaller = await firstDifferent(candidates.toReversed())
    if (smaller === undefined) return shrinkSteps(smallest)
    smallest = smaller
  }
}

/** The scenario with another program; steps into topics that it does not read are left out. */
export function ofProgram(scenario: Scenario, program: Program): Question {
  const inputs = inputsOf(program)
  return {
    scenario: {
      ...scenario,
      program,
      topology: toJava(program),
      topics: topicsOf(program),
      steps: scenario.steps.filter(step => !('pipe' in step) || inputs.includes(step.pipe)),
    },
    build: buildProgram(program),
  }
}

async function firstDifferent(candidates: readonly Question[]): Promise<Question | undefined> {
  const scenarios = await record(candidates.map(({ scenario }) => scenario))
  for (const [i, scenario] of scenarios.entries()) {
    const build = candidates[i]?.build
    if (build !== undefined && difference(scenario, build) !== undefined) return { scenario, build }
  }
  return undefined
}

async function shrinkSteps({ scenario, build }: Question): Promise<Question> {
  let steps = scenario.steps
  if (steps.length > 0) {
    const none = await firstDifferent([{ scenario: { ...scenario, steps: [] }, build }])
    if (none !== undefined) return none
  }
  let size = Math.ceil(steps.length / 2)
  while (size >= 1) {
    const candidates: Question[] = []
    for (let from = 0; from < steps.length; from += size) {
      const left = [...steps.slice(0, from), ...steps.slice(from + size)]
      if (left.length > 0) candidates.push({ scenario: { ...scenario, steps: left }, build })
    }
    const smaller = candidates.length === 0 ? undefined : await firstDifferent(candidates)
    if (smaller !== undefined) steps = smaller.scenario.steps
    else if (size === 1) break
    size =
      smaller === undefined
        ? Math.floor(size / 2)
        : Math.max(1, Math.min(size, Math.ceil(steps.length / 2)))
  }
  return { scenario: { ...scenario, steps }, build }
}
