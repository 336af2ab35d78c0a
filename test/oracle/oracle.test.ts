import { existsSync } from 'node:fs'
import path from 'node:path'

import { afterAll, expect, test } from 'vitest'

import { type BuildTopology, runScenario, unsupported } from './runner.ts'
import { families, scenariosOf } from './scenario.ts'

/**
 * Kafka Streams is the oracle: each scenario is a topology, the records piped into it, and everything that came out of
 * Kafka Streams' own test driver. `topologies/<family>.ts` has the topologies in this DSL, by the names of the scenarios.
 */
const skipped = new Map<string, string[]>()
let ran = 0

for (const family of families) {
  const topologies = await topologiesOf(family)
  const scenarios = scenariosOf(family)
  for (const name of Object.keys(topologies)) {
    if (!scenarios.some(scenario => scenario.name === name)) {
      throw new Error(`topologies/${family}.ts has ${name}, of which there is no scenario`)
    }
  }
  for (const scenario of scenarios) {
    const build = topologies[scenario.name]
    if (build === undefined || unsupported(scenario) !== undefined) {
      skipped.set(family, [...(skipped.get(family) ?? []), scenario.name])
      continue
    }
    ran++
    test(`${family}/${scenario.name}`, () => runScenario(scenario, build))
  }
}

test('there are scenarios to run', () => expect(ran).toBeGreaterThan(0))

afterAll(() => {
  const lines = [...skipped].map(
    ([family, names]) => `  ${family} (${names.length}): ${names.join(', ')}\n`,
  )
  const count = [...skipped.values()].flat().length
  process.stdout.write(`oracle: ran ${ran} scenarios; ${count} not yet:\n${lines.join('')}`)
})

async function topologiesOf(family: string): Promise<Record<string, BuildTopology>> {
  const file = path.join(import.meta.dirname, 'topologies', `${family}.ts`)
  if (!existsSync(file)) return {}
  const module: { topologies: Record<string, BuildTopology> } = await import(file)
  return module.topologies
}
