import { existsSync } from 'node:fs'
import path from 'node:path'

import { expect, test } from 'vitest'

import { type BuildTopology, play, recorded, unsupported } from './runner.ts'
import { families, scenariosOf } from './scenario.ts'

/**
 * Kafka Streams is the oracle: each scenario is a topology, the records piped into it, and everything that came out of
 * Kafka Streams' own test driver. `topologies/<family>.ts` has the topologies in this DSL, by the names of the scenarios.
 * All of them are played, and the last test says so.
 */
const notPlayed: string[] = []

for (const family of families) {
  const topologies = await topologiesOf(family)
  const scenarios = scenariosOf(family)
  for (const name of Object.keys(topologies)) {
    if (!scenarios.some(scenario => scenario.name === name)) {
      throw new Error(`topologies/${family}.ts has ${name}, of which there is no scenario`)
    }
  }
  for (const scenario of scenarios) {
    const name = `${family}/${scenario.name}`
    const build = topologies[scenario.name]
    if (build === undefined || unsupported(scenario) !== undefined) notPlayed.push(name)
    else test(name, () => expect(play(scenario, build)).toEqual(recorded(scenario, build)))
  }
}

test('all scenarios are played', () => {
  expect(notPlayed).toEqual([])
})

async function topologiesOf(family: string): Promise<Record<string, BuildTopology>> {
  const file = path.join(import.meta.dirname, 'topologies', `${family}.ts`)
  if (!existsSync(file)) return {}
  const module: { topologies: Record<string, BuildTopology> } = await import(file)
  return module.topologies
}
