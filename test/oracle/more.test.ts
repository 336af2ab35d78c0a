import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { expect, test } from 'vitest'

import { describe } from '../../src/index.ts'
import { buildProgram, toJava } from './programs/index.ts'
import { type BuildTopology, compile, play, recorded } from './runner.ts'
import { parseScenario, type Scenario } from './scenario.ts'
import { families } from './topologies/index.ts'

/**
 * What `record/differ.ts` has found and kept: random steps through the topologies of scenarios, and topologies made of random
 * calls, which the files hold as data.
 */
const folder = path.join(import.meta.dirname, 'more')

for (const file of readdirSync(folder)) {
  const scenario = parseScenario(readFileSync(path.join(folder, file), 'utf8'))
  const build = topologyOf(scenario)
  test(file.replace('.json', ''), () => {
    const { program, topology } = scenario
    if (program !== undefined) expect(toJava(program)).toEqual(topology)
    expect(play(scenario, build)).toEqual(recorded(scenario, build))
    if (scenario.describe !== undefined)
      expect(describe(compile(scenario, build))).toBe(scenario.describe)
  })
}

function topologyOf({ name, family, program }: Scenario): BuildTopology {
  if (program !== undefined) return buildProgram(program)
  const build = families[family]?.[name.replace(/~.*/, '')]
  if (build === undefined) throw new Error(`there is no topology for ${name}`)
  return build
}
