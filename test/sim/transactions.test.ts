import { expect, test } from 'vitest'
import { runTransactions } from './transactions-world.ts'

test('transactions are whole, whatever happens to broker, network and producers', async () => {
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= 40; seed++) {
    const { violation, transactions } = await runTransactions(seed)
    expect(violation, `seed ${seed}`).toBeUndefined()
    for (const [what, count] of transactions) seen.set(what, (seen.get(what) ?? 0) + count)
  }
  // What the test is about must have happened.
  for (const what of [
    'commit, commit, there',
    'abort, abort',
    'commit, refused',
    'not asked, not told',
    'not asked, refused',
  ]) {
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
  }
})
