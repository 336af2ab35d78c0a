import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { expect, test } from 'vitest'

import { type BuildTopology, play, recorded, unsupported } from './runner.ts'
import { families, scenariosOf } from './scenario.ts'

/**
 * Kafka Streams is the oracle: each scenario is a topology, the records piped into it, and everything that came out of
 * Kafka Streams' own test driver. `topologies/<family>.ts` has the topologies in this DSL, by the names of the scenarios.
 * `not-played.txt` names the scenarios that cannot be played yet: take out of it what can be, and none gets lost.
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

test('all scenarios are played but those of not-played.txt', () => {
  const file = path.join(import.meta.dirname, 'not-played.txt')
  const expected = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(notPlayed.sort()).toEqual(expected)
})

async function topologiesOf(family: string): Promise<Record<string, BuildTopology>> {
  const file = path.join(import.meta.dirname, 'topologies', `${family}.ts`)
  if (!existsSync(file)) return {}
  const module: { topologies: Record<string, BuildTopology> } = await import(file)
  return module.topologies
}
