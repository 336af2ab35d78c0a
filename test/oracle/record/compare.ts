import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { describe, StreamsBuilder } from '../../../src/index.ts'
import { type BuildTopology, play, recorded, type Shown } from '../runner.ts'
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

/** The scenarios as Kafka Streams plays them, in the same order. */
export function record(scenarios: readonly Scenario[]): Scenario[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'differ-'))
  try {
    mkdirSync(path.join(folder, 'asked'))
    for (const [i, scenario] of scenarios.entries()) {
      writeFileSync(path.join(folder, 'asked', `${i}.json`), JSON.stringify(scenario))
    }
    execFileSync(
      path.join(import.meta.dirname, 'record'),
      [path.join(folder, 'asked'), path.join(folder, 'recorded')],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    return scenarios.map((_, i) =>
      parseScenario(readFileSync(path.join(folder, 'recorded', `${i}.json`), 'utf8')),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Where Millrace differs from the recording; undefined where it does not. */
export function difference(scenario: Scenario, build: BuildTopology): Difference | undefined {
  // Java's lambda met a null that the same function in TypeScript bears: no difference of streams.
  if (scenario.error?.message?.startsWith('Cannot invoke') === true) return undefined
  let actual: Shown
  const expected = recorded(scenario)
  try {
    actual = play(scenario, build)
    if (scenario.describe !== undefined) {
      const builder = new StreamsBuilder()
      build(builder)
      const text = describe(builder.build('oracle'))
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

/** The shortest sequence of steps that still differs, as far as leaving out steps leads there. */
export function shrink({ scenario, build }: Question): Question {
  let steps = scenario.steps
  let size = Math.ceil(steps.length / 2)
  while (size >= 1) {
    const candidates: Scenario[] = []
    for (let from = 0; from < steps.length; from += size) {
      const left = [...steps.slice(0, from), ...steps.slice(from + size)]
      if (left.length > 0) candidates.push({ ...scenario, steps: left })
    }
    const smaller =
      candidates.length === 0 ? undefined : record(candidates).find(one => difference(one, build))
    if (smaller !== undefined) steps = smaller.steps
    else if (size === 1) break
    size =
      smaller === undefined ? Math.floor(size / 2) : Math.min(size, Math.ceil(steps.length / 2))
  }
  return { scenario: { ...scenario, steps }, build }
}
