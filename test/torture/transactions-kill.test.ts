/** Twenty kills with each run of the tests; many more: see run.ts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { defaultKills } from './run.ts'
import { clientLibraries } from './transactional-clients.ts'
import { tortureTransactions } from './transactions-torture.ts'

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const data = mkdtempSync(join(tmpdir(), 'millrace-transactions-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

test(
  `transactions are whole after ${defaultKills} kills of the broker`,
  { timeout: 300_000 },
  async () => {
    process.stdout.write(`MILLRACE_SEED=${seed}\n`)
    const result = await tortureTransactions(data, { seed, kills: defaultKills })
    const transactions = [...result.transactions].map(([what, count]) => `${what}: ${count}`)
    process.stdout.write(
      `seed ${seed}: ${result.records} records committed, ${result.killsInTransaction} of ${result.kills} kills in a ` +
        `transaction, ${transactions.join('; ')}; producers ${JSON.stringify([...result.producers])}, ` +
        `told committed ${JSON.stringify([...result.committed])}\n`,
    )
    expect(result.kills).toBe(defaultKills)
    expect(result.killsInTransaction).toBeGreaterThan(defaultKills / 2)
    // How many each gets through between two kills depends on the machine and on how long it waits to try again.
    for (const library of Object.keys(clientLibraries)) {
      expect(result.committed.get(library), library).toBeGreaterThan(0)
    }
    expect(result.transactions.get('asked abort, told abort')).toBeGreaterThan(0)
  },
)
