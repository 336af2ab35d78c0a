import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { millrace, startMillrace } from './millrace.ts'
import { type RunningBroker, startRunningBroker } from './running-broker.ts'

const index = new URL('../../src/index.ts', import.meta.url).href

let broker: RunningBroker
let app: string
beforeAll(async () => {
  broker = await startRunningBroker()
  await broker.createTopics('lines', 'loop', 'counts')
  await broker.produce('lines', ['a', 'b', 'c'])
  app = join(broker.folder, 'words.ts')
  writeFileSync(
    app,
    `import { defineApp, string } from '${index}'
    const text = { key: string(), value: string() }
    export default defineApp('words', builder => {
      builder.stream('lines', text).to('loop', text)
      builder
        .stream('loop', text)
        .groupBy((_, word) => word, text)
        .count({ store: 'counts' })
        .toStream()
        .mapValues(count => 'count ' + count)
        .to('counts', text)
    })`,
  )
})
afterAll(() => broker.stop())

const command = (name: string, ...flags: string[]): string[] => [
  name,
  app,
  '--brokers',
  broker.address,
  ...flags,
]
const state = (): string => join(broker.folder, 'state')
const run = (): void => {
  const { status, stderr } = millrace(...command('run', '--state', state(), '--until-end'))
  expect(stderr).not.toMatch(/"level":"error"/)
  expect(status).toBe(0)
}

test('an application starts over, with nothing left of what it knew', async () => {
  run()
  expect(broker.values('counts')).toEqual(['count 1', 'count 1', 'count 1'])

  const dry = millrace(...command('reset', '--state', state(), '--dry-run'))
  expect(dry.stdout).toMatch(/^lines-\d: 1 → 0$/m)
  // What it reads of its own is written anew.
  expect(dry.stdout).toMatch(/^loop-\d: ([1-9]\d*) → \1$/m)
  expect(dry.stdout).toMatch(/^words-counts-changelog: deleted$/m)
  expect(dry.stdout).toMatch(/^words-.*-repartition: deleted$/m)
  expect(dry.stdout).toMatch(/Nothing was changed/)
  expect(dry.status).toBe(0)
  expect(existsSync(join(state(), 'words'))).toBe(true)
  run()
  expect(broker.values('counts')).toHaveLength(3)

  const reset = millrace(...command('reset', '--state', state()))
  expect(reset.stderr).toBe('')
  expect(reset.status).toBe(0)
  expect(reset.stdout).toBe(dry.stdout.replace(/^Nothing was changed.*\n/m, ''))
  expect(existsSync(join(state(), 'words'))).toBe(false)
  run()
  // The counts begin at one again.
  expect(broker.values('counts')).toEqual(Array.from({ length: 6 }, () => 'count 1'))
  expect(broker.values('loop')).toHaveLength(6)
})

test('says that the state of the workers must go, where it is not told to remove it', () => {
  const { stdout } = millrace(...command('reset', '--dry-run', '--shift-by', '-1'))
  expect(stdout).toMatch(/^Workers must not find the state that they had/m)
})

test('refuses while the application runs, also to touch its state', async () => {
  const running = startMillrace(...command('run', '--state', state()))
  await running.line(/words is running/)
  const locked = millrace(...command('reset', '--state', state()))
  expect(locked.stderr).toMatch(/\[FOLDER_LOCKED\]\n$/)
  expect(locked.status).toBe(1)
  await running.logged(/words is RUNNING/)
  const refused = millrace(...command('reset'))
  expect(refused.stderr).toMatch(/words has members: .* or give --force\. \[GROUP_NOT_EMPTY\]\n$/)
  expect(refused.status).toBe(1)

  // Killed, it is in its group until the session times out.
  await running.stop('SIGKILL')
  expect(millrace(...command('reset')).status).toBe(1)
  const forced = millrace(...command('reset', '--force', '--to-latest'))
  expect(forced.stderr).toBe('')
  expect(forced.status).toBe(0)
})
