import { expect, test } from 'vitest'
import { applicationFaults } from './application-world.ts'
import { problemOf, replayCommand } from './run.ts'

/** Those that found something once. */
const found = [152]

test('whatever happens to machines and network, each result is there once, in order', async () => {
  const seen = new Map<string, number>()
  const seeds = [...Array.from({ length: 100 }, (_, i) => i + 1), ...found]
  for (const seed of seeds) {
    const problem = await problemOf(seed, seen, 'application')
    expect(problem, replayCommand(seed, 'application')).toBeUndefined()
  }
  // What the test is about must have happened.
  for (const what of applicationFaults) expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
}, 600_000)
