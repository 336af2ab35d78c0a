/**
 * Asks Kafka Streams about random steps through the topologies of the scenarios and compares what Millrace does:
 *
 *     npx node --conditions=millrace-source test/oracle/record/differ.ts --family windows --seeds 20 --from 1
 *
 * With `--programs` the topologies are random too, of the calls of the families in the list (`all`, or `sources,tables,count`):
 * a third of them only for their descriptions.
 *
 * With `--ask FOLDER` the questions are only written there, for `record FOLDER test/oracle/more`, which keeps them.
 *
 * `--name` takes only scenarios whose name has it. Each difference is shrunk and written into a file of the folder `--to`
 * (/tmp/differ), as a scenario with what differs. Needs Java 17 and Maven. Ends with exit code 1 if there are differences.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { seededRandom } from '../../../src/platform/simulated/seeded-random.ts'
import { unsupported } from '../runner.ts'
import { families as recordedFamilies, type Scenario, scenariosOf } from '../scenario.ts'
import { families } from '../topologies/index.ts'
import { callFamilies, inputsOf, randomProgram } from '../programs/index.ts'
import { difference, ofProgram, type Question, record, shrink, stopRecorder } from './compare.ts'
import { randomSteps } from './random-steps.ts'

const { values } = parseArgs({
  options: {
    family: { type: 'string' },
    programs: { type: 'string' },
    config: { type: 'string', multiple: true, default: [] },
    name: { type: 'string', default: '' },
    seeds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '/tmp/differ' },
    ask: { type: 'string' },
  },
})

function questions(): Question[] {
  const [from, count] = [Number(values.from), Number(values.seeds)]
  const list: Question[] = []
  for (const [family, topologies] of Object.entries(families)) {
    if (!recordedFamilies.includes(family)) continue
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

/** Random programs, a third of them larger and only for what is described. */
function programQuestions(names: string): Question[] {
  const [from, count] = [Number(values.from), Number(values.seeds)]
  const families = names === 'all' ? Object.keys(callFamilies) : names.split(',')
  const of = families.flatMap(name => Object.keys(callFamilies[name] ?? { [name]: true }))
  const list: Question[] = []
  for (let seed = from; seed < from + count; seed++) {
    const random = seededRandom(seed, 'program')
    const described = random.chance(0.35)
    const program = randomProgram(random, {
      calls: 1 + random.below(described ? 12 : 6),
      of: of.filter(name => name !== 'to'),
      repartitions: described ? 9 : 1,
    })
    const scenario: Scenario = {
      name: `program~${seed}`,
      family: 'programs',
      topology: [],
      config: {
        'application.id': 'oracle',
        'statestore.cache.max.bytes': '0',
        'topology.optimization': 'none',
        'processing.guarantee': 'at_least_once',
        ...Object.fromEntries(values.config.map(setting => setting.split('='))),
      },
      wallClock: 0,
      topics: {},
      outputs: [],
      order: 'total',
      stores: {},
      logs: [],
      internalTopics: [],
      droppedRecords: 0,
      steps: inputsOf(program).flatMap(pipe =>
        ['a', 'b', 'c', 'd', 'e'].map((key, i) => ({
          pipe,
          key,
          value: `g${i % 3}v${i}`,
          timestamp: i * 5,
        })),
      ),
    }
    const steps = described ? [] : randomSteps(scenario, random)
    list.push(ofProgram({ ...scenario, steps }, program))
  }
  return list
}

async function report({ scenario, build }: Question): Promise<void> {
  const [again] = await record([scenario])
  const found = again === undefined ? undefined : difference(again, build)
  const file = path.join(values.to, `${scenario.family}-${scenario.name}.json`)
  mkdirSync(values.to, { recursive: true })
  writeFileSync(file, `${JSON.stringify({ differs: found, ...again }, undefined, 2)}\n`)
  process.stdout.write(`${scenario.name}: ${found?.part ?? 'no more'} differs, see ${file}\n`)
}

const asked = values.programs === undefined ? questions() : programQuestions(values.programs)
process.stdout.write(`${asked.length} scenarios\n`)
if (values.ask === undefined) await compare()
else ask(values.ask)

function ask(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const { scenario } of asked) {
    writeFileSync(path.join(folder, `${scenario.name}.json`), JSON.stringify(scenario))
  }
}

async function compare(): Promise<void> {
  const answers = await record(asked.map(({ scenario }) => scenario))
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
    await report(await shrink(first))
  }
  stopRecorder()
  process.stdout.write(`${different.size} topologies differ\n`)
  process.exitCode = different.size === 0 ? 0 : 1
}

function topologyOf(scenario: Scenario): string {
  return scenario.topology.join('\n')
}
