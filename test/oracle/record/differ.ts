/**
 * Asks Kafka Streams about random steps through the topologies of the scenarios and compares what Millrace does:
 *
 *     npx node --conditions=millrace-source test/oracle/record/differ.ts --family windows --seeds 20 --from 1
 *
 * `--name` takes only scenarios whose name has it. Each difference is shrunk and written into a file of the folder `--to`
 * (/tmp/differ), as a scenario with what differs. Needs Java 17 and Maven. Ends with exit code 1 if there are differences.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { seededRandom } from '../../../src/platform/simulated/seeded-random.ts'
import { unsupported } from '../runner.ts'
import { type Scenario, scenariosOf } from '../scenario.ts'
import { families } from '../topologies/index.ts'
import { difference, type Question, record, shrink } from './compare.ts'
import { randomSteps } from './random-steps.ts'

const { values } = parseArgs({
  options: {
    family: { type: 'string' },
    name: { type: 'string', default: '' },
    seeds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '/tmp/differ' },
  },
})

function questions(): Question[] {
  const [from, count] = [Number(values.from), Number(values.seeds)]
  const list: Question[] = []
  for (const [family, topologies] of Object.entries(families)) {
    if (values.family !== undefined && values.family !== family) continue
    for (const scenario of scenariosOf(family)) {
      const build = topologies[scenario.name]
      if (build === undefined || unsupported(scenario) !== undefined) continue
      if (!scenario.name.includes(values.name) || scenario.steps.length === 0) continue
      for (let seed = from; seed < from + count; seed++) {
        const steps = randomSteps(scenario, seededRandom(seed, scenario.name))
        list.push({ scenario: { ...scenario, name: `${scenario.name}~${seed}`, steps }, build })
      }
    }
  }
  return list
}

function report({ scenario, build }: Question): void {
  const [again] = record([scenario])
  const found = again === undefined ? undefined : difference(again, build)
  const file = path.join(values.to, `${scenario.family}-${scenario.name}.json`)
  mkdirSync(values.to, { recursive: true })
  writeFileSync(file, `${JSON.stringify({ differs: found, ...again }, undefined, 2)}\n`)
  process.stdout.write(`${scenario.name}: ${found?.part ?? 'no more'} differs, see ${file}\n`)
}

const asked = questions()
process.stdout.write(`${asked.length} scenarios\n`)
const answers = record(asked.map(({ scenario }) => scenario))
const different = new Map<string, Question[]>()
for (const [i, { build }] of asked.entries()) {
  const scenario = answers[i]
  if (scenario === undefined || difference(scenario, build) === undefined) continue
  const topology = topologyOf(scenario)
  different.set(topology, [...(different.get(topology) ?? []), { scenario, build }])
}
// Of each topology one difference is enough to begin with: that of the fewest steps.
for (const list of different.values()) {
  const [first] = list.toSorted((a, b) => a.scenario.steps.length - b.scenario.steps.length)
  if (first === undefined) continue
  process.stdout.write(
    `${first.scenario.family}/${first.scenario.name}: ${list.length} of its kind\n`,
  )
  report(shrink(first))
}
process.stdout.write(`${different.size} topologies differ\n`)
process.exitCode = different.size === 0 ? 0 : 1

function topologyOf(scenario: Scenario): string {
  return scenario.topology.join('\n')
}
