import { readFileSync } from 'node:fs'
import { describe as suite, expect, test } from 'vitest'
import { MillraceError, describe } from '../../src/index.ts'
import { compile } from '../oracle/runner.ts'
import { families } from '../oracle/topologies/index.ts'

/**
 * What Java's `Topology#describe` printed for the same topologies. Equal text means equal names, equal numbers, equal
 * sub-topologies and the same arrows.
 */
interface Scenario {
  readonly config: Readonly<Record<string, string>>
  readonly describe?: string
  readonly error?: { readonly after: number | string }
}

for (const [family, topologies] of Object.entries(families)) {
  suite(family, () => {
    for (const [name, build] of Object.entries(topologies)) {
      const scenario = read(family, name)
      const refused = scenario.error?.after === 'build'
      test(`${name}${refused ? ' is refused' : ''}`, () => {
        const description = (): string => {
          return describe(compile(scenario, build))
        }
        if (refused) expect(description).toThrow(MillraceError)
        else expect(description()).toBe(scenario.describe)
      })
    }
  })
}

function read(family: string, name: string): Scenario {
  const folder = family.startsWith('more-') ? 'more' : `scenarios/${family}`
  const file = new URL(`../oracle/${folder}/${name}.json`, import.meta.url)
  const scenario: Scenario = JSON.parse(readFileSync(file, 'utf8'))
  return scenario
}
