import { expect, test } from 'vitest'
import { runTransactions } from './transactions-world.ts'

test('transactions are whole, whatever happens to broker, network and producers', async () => {
  const seen = new Map<string, number>()
  let late = 0
  for (let seed = 1; seed <= 40; seed++) {
    const { violation, transactions, lateRequests } = await runTransactions(seed)
    expect(violation, `seed ${seed}`).toBeUndefined()
    late += lateRequests
    for (const [what, count] of transactions) seen.set(what, (seen.get(what) ?? 0) + count)
  }
  // What the test is about must have happened.
  expect(late).toBeGreaterThan(50)
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
