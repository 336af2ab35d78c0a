/**
 * Runs many seeds of a simulated world, each twice:
 *
 *     npx node --conditions=millrace-source test/sim/run.ts --seeds 1000 --from 1
 *     npx node --conditions=millrace-source test/sim/run.ts --world transactions --seeds 1000
 *     npx node --conditions=millrace-source test/sim/run.ts --world members --seeds 1000
 *     npx node --conditions=millrace-source test/sim/run.ts --world application --seeds 1000
 *
 * Ends with exit code 1 after the first seed that breaks a promise, whose runs differ, or that takes too long, and
 * prints the command that replays it. The last line sums up the faults that happened.
 */
import { parseArgs } from 'node:util'
import { runApplication } from './application-world.ts'
import { runBroker } from './broker-world.ts'
import { runMembers } from './members-world.ts'
import { runTransactions } from './transactions-world.ts'

/** What can be run: plain producers and a group, transactional producers, instances of an application, or all of it. */
const worlds = {
  broker: runBroker,
  transactions: runTransactions,
  members: runMembers,
  application: (seed: number) => runApplication(seed),
} as const
export type World = keyof typeof worlds

/** The one command that replays a seed. */
export function replayCommand(seed: number, world: World = 'broker'): string {
  const other = world === 'broker' ? '' : ` --world ${world}`
  return `npx node --conditions=millrace-source test/sim/run.ts --seeds 1 --from ${seed}${other}`
}

/** What is wrong with a seed, as a sentence; undefined when nothing is. Adds its faults to `sum`. */
export async function problemOf(
  seed: number,
  sum: Map<string, number>,
  world: World = 'broker',
): Promise<string | undefined> {
  const run = worlds[world]
  const first = await run(seed)
  addFaults(sum, first.faults)
  if (first.violation !== undefined) return first.violation
  const second = await run(seed)
  if (second.traceHash === first.traceHash) return undefined
  return `Two runs have different traces: ${first.traceHash} and ${second.traceHash}`
}

function addFaults(sum: Map<string, number>, faults: Readonly<Record<string, number>>): void {
  for (const [kind, count] of Object.entries(faults)) sum.set(kind, (sum.get(kind) ?? 0) + count)
}

const isWorld = (name: string): name is World => Object.hasOwn(worlds, name)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      from: { type: 'string', default: '1' },
      world: { type: 'string', default: 'broker' },
    },
  })
  const [from, count] = [Number(values.from), Number(values.seeds)]
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
    throw new Error('--seeds and --from are whole numbers, and --seeds is at least 1.')
  }
  const { world } = values
  if (!isWorld(world)) throw new Error(`--world is one of ${Object.keys(worlds).join(', ')}.`)
  const sum = new Map<string, number>()
  for (let seed = from; seed < from + count; seed++) {
    const problem = await problemOf(seed, sum, world)
    if (problem === undefined) continue
    process.stdout.write(`Seed ${seed}: ${problem}\nReplay: ${replayCommand(seed, world)}\n`)
    process.exitCode = 1
    return
  }
  const faults = [...sum].map(([kind, times]) => `${kind} ${times}`)
  process.stdout.write(
    `${count} seeds from ${from}, each twice, without a broken promise. Faults: ${faults.join(', ')}\n`,
  )
}

if (import.meta.main) await main()
