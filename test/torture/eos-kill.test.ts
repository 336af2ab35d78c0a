/** Twenty kills with each run of the tests, over all ways to run an application; many more: see run.ts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hasKafka, kafkaVersions } from '../interop/clients.ts'
import { type EosTortureOptions, tortureExactlyOnce } from './eos-torture.ts'
import { pointsInTransaction } from './faults/settings.ts'
import { flightsSubject } from './flights-subject.ts'
import { referenceSubject } from './reference-subject.ts'
import { faultsIn } from './tortured-world.ts'

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), 'millrace-eos-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const kafkaIsThere = hasKafka(kafkaVersions.at(-1) ?? '')
const runs: Record<string, Omit<EosTortureOptions, 'seed'>> = {
  'the reference topologies, embedded': {
    subject: referenceSubject,
    world: 'embedded',
    workers: 1,
    kills: 3,
  },
  'the reference topologies in 3 workers on millrace broker': {
    subject: referenceSubject,
    world: 'millrace broker',
    workers: 3,
    points: pointsInTransaction,
    kills: 6,
  },
  'the reference topologies in 3 workers on Apache Kafka': {
    subject: referenceSubject,
    world: 'Apache Kafka',
    workers: 3,
    kills: 3,
  },
  'the flights example, embedded': {
    subject: flightsSubject,
    world: 'embedded',
    workers: 1,
    kills: 2,
  },
  'the flights example in 3 workers on millrace broker': {
    subject: flightsSubject,
    world: 'millrace broker',
    workers: 3,
    supervised: true,
    kills: 3,
  },
  'the flights example in 3 workers on Apache Kafka': {
    subject: flightsSubject,
    world: 'Apache Kafka',
    workers: 3,
    supervised: true,
    kills: 3,
  },
}

test.for(Object.entries(runs))(
  '%s: exactly once',
  { timeout: 300_000 },
  async ([name, run], { skip }) => {
    skip(run.world === 'Apache Kafka' && !kafkaIsThere)
    process.stdout.write(`MILLRACE_SEED=${seed}\n`)
    const result = await tortureExactlyOnce(join(folder, name.replaceAll(/\W+/g, '-')), {
      ...run,
      seed,
    })
    const { generated, output, workerKills, killsInTransaction, recoveriesMs } = result
    const faults = [...result.faults].map(([what, count]) => `${what} ${count}`).join(', ')
    process.stdout.write(
      `seed ${seed}, ${name}: ${generated.written} records in, ${output} out; ${faults}; ` +
        `${killsInTransaction ?? 'unknown how many'} of ${workerKills} kills of workers in an open transaction; back after at most ${recoveriesMs.at(-1)} ms\n`,
    )
    if (run.points === pointsInTransaction) expect(killsInTransaction).toBeGreaterThan(0)
    expect(result.kills).toBeGreaterThanOrEqual(run.kills)
    expect([...result.faults.keys()]).toEqual(expect.arrayContaining([...faultsIn(run)]))
  },
)
