/**
 * Kills a broker under transactional producers as often as wanted:
 *
 *     npx node --conditions=millrace-source test/torture/run.ts --kills 500 --seed 1
 *
 * Ends with exit code 1 and a sentence when a promise was broken; the data folder is then left for inspection.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tortureTransactions } from './transactions-torture.ts'

/** How often each run of the tests kills. */
export const defaultKills = 20

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    },
  })
  const [kills, seed] = [Number(values.kills), Number(values.seed)]
  if (!Number.isSafeInteger(kills) || !Number.isSafeInteger(seed) || kills < 1) {
    throw new Error('--kills and --seed are whole numbers, and --kills is at least 1.')
  }
  const data = mkdtempSync(join(tmpdir(), 'millrace-torture-'))
  process.stdout.write(`seed ${seed}, data in ${data}\n`)
  const result = await tortureTransactions(data, { seed, kills })
  rmSync(data, { recursive: true, force: true })
  const { transactions, producers, committed, ...counts } = result
  const maps = { transactions, producers, committed }
  const listed = Object.entries(maps).map(([name, map]) => [name, Object.fromEntries(map)])
  process.stdout.write(`${JSON.stringify({ ...counts, ...Object.fromEntries(listed) })}\n`)
}

if (import.meta.main) await main()
