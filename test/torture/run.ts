/**
 * Kills as often as wanted. A broker under transactional producers:
 *
 *     npx node --conditions=millrace-source test/torture/run.ts --kills 500 --seed 1
 *
 * and an application, `reference` or `flights`, with all that is below it:
 *
 *     npx node --conditions=millrace-source test/torture/run.ts --app reference --world 'Apache Kafka' --kills 500
 *
 * Ends with exit code 1 and a sentence when a promise was broken; the data folder is then left for inspection.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tortureExactlyOnce } from './eos-torture.ts'
import { referenceSubject } from './reference-subject.ts'
import { flightsSubject } from './flights-subject.ts'
import type { World } from './tortured-world.ts'
import { tortureTransactions } from './transactions-torture.ts'

/** How often each run of the tests kills. */
export const defaultKills = 20

const worlds: readonly World[] = ['embedded', 'millrace broker', 'Apache Kafka']

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      app: { type: 'string' },
      world: { type: 'string', default: 'millrace broker' },
      workers: { type: 'string', default: '3' },
    },
  })
  const [kills, seed, workers] = [Number(values.kills), Number(values.seed), Number(values.workers)]
  if (![kills, seed, workers].every(Number.isSafeInteger) || kills < 1 || workers < 1) {
    throw new Error(
      '--kills, --seed and --workers are whole numbers; --kills and --workers at least 1.',
    )
  }
  const world = worlds.find(name => name === values.world)
  if (world === undefined) throw new Error(`--world is one of ${worlds.join(', ')}.`)
  const data = mkdtempSync(join(tmpdir(), 'millrace-torture-'))
  process.stdout.write(`seed ${seed}, data in ${data}\n`)
  const result =
    values.app === undefined
      ? await tortureTransactions(data, { seed, kills })
      : await tortureApp(data, { app: values.app, world, seed, kills, workers })
  rmSync(data, { recursive: true, force: true })
  const shown = Object.entries(result).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Map ? Object.fromEntries(value) : value,
  ])
  process.stdout.write(`${JSON.stringify(Object.fromEntries(shown))}\n`)
}

/** The data set of `flights` ends: there each run of its length has some kills, and there are as many runs as it takes. */
async function tortureApp(
  data: string,
  { app, ...options }: { app: string; world: World; seed: number; kills: number; workers: number },
): Promise<object> {
  const { world, seed, kills } = options
  const say = (line: string): boolean => process.stdout.write(`${line}\n`)
  const workers = world === 'embedded' ? 1 : options.workers
  if (app === 'reference') {
    return tortureExactlyOnce(data, { subject: referenceSubject, world, workers, seed, kills, say })
  }
  if (app !== 'flights') throw new Error('--app is reference or flights.')
  let [done, round] = [0, 0]
  while (done < kills) {
    const result = await tortureExactlyOnce(join(data, String(round)), {
      subject: flightsSubject,
      world,
      workers,
      supervised: world !== 'embedded',
      seed: seed + round++,
      kills: Math.min(4, kills - done),
      say,
    })
    done += result.kills
  }
  return { kills: done, rounds: round }
}

if (import.meta.main) await main()
