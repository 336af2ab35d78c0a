import { expect, test } from 'vitest'
import { runMembers } from './members-world.ts'
import { replayCommand } from './run.ts'

test('tasks are one instance at a time, whoever comes, goes and falls silent', async () => {
  const seen = new Map<string, number>()
  let commits = 0
  for (let seed = 1; seed <= 12; seed++) {
    const run = await runMembers(seed)
    expect(run.violation, replayCommand(seed, 'members')).toBeUndefined()
    commits += run.commits
    for (const [what, count] of Object.entries(run.faults)) {
      seen.set(what, (seen.get(what) ?? 0) + count)
    }
  }
  // What the test is about must have happened.
  expect(commits).toBeGreaterThan(500)
  for (const what of ['start', 'close', 'kill', 'silence', 'kill of the broker']) {
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
  }
})

test('a seed tells the whole story', async () => {
  for (const seed of [3, 4]) {
    expect((await runMembers(seed)).traceHash).toBe((await runMembers(seed)).traceHash)
  }
})
