import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, record, temporaryFolder } from './testbed.ts'

/**
 * A table without a changelog is restored from the topic it is read from, and just as far as the task had come: one record
 * further, and the row before would be taken for the one after it, which the count of each group would show.
 */
const platform = nodePlatform()
const text = { key: string(), value: string() }

const app = defineApp(
  'app',
  builder => {
    builder
      .table('in', { ...text, store: 'rows' })
      .groupBy((key, value) => [value.slice(0, 1), key], text)
      .count({ store: 'counts' })
  },
  { optimization: ['reuseKTableSourceTopics'] },
)

const keys = ['k', 'l', 'm', 'n', 'o']
const input = Array.from({ length: 300 }, (_, i) =>
  record(keys[(i * 3) % keys.length] ?? '', i % 11 === 0 ? null : `${'abcd'[i % 4]}${i}`, i),
)

const rows = new Map(input.map(({ key, value }) => [key, value]))
const naiveRows = [...rows]
  .filter(([, value]) => value !== null)
  .sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1))
const naiveCounts = Object.fromEntries(
  ['a', 'b', 'c', 'd'].map(letter => [
    letter,
    naiveRows.filter(([, value]) => value?.startsWith(letter)).length,
  ]),
)

test.each(['send', 'write'] as const)('a crash right before %s', async step => {
  for (const nth of [1, 2, 3]) {
    using folder = temporaryFolder()
    const { log, engine } = await runUntilCrash(folder.path, step, nth)
    const { restored } = await expectExact(log, engine, folder.path)
    if (step === 'send') expect(restored).toBe(0)
    else expect(restored).toBeGreaterThan(0)
  }
})

test('a lost disk', async () => {
  using folder = temporaryFolder()
  const { log } = await runUntilCrash(folder.path, 'send', 3)
  using elsewhere = temporaryFolder()
  const { restored } = await expectExact(log, new CrashableEngine(), elsewhere.path)
  expect(restored).toBeGreaterThan(0)
})

async function runUntilCrash(
  stateFolder: string,
  step: 'send' | 'write',
  nth: number,
): Promise<{ log: FakeLog; engine: CrashableEngine }> {
  const log = new FakeLog(platform.timers)
  const engine = new CrashableEngine()
  await log.client().createTopics([{ name: 'in', partitions: 1 }])
  const client = log.client()
  let left = nth
  let crashed: Promise<void> | undefined
  const crash = (): void => {
    if (--left > 0 || crashed !== undefined) return
    client.disconnect()
    crashed = engine.crash()
    throw new MillraceError('CONNECTION_LOST', 'The process is gone.')
  }
  log.fault = (reached, by) => {
    if (by === client && reached === step) crash()
  }
  const options = { client, platform, stateFolder, engine, commitIntervalMs: 0 }
  const application = await startApplication(app, options)
  while (application.state !== 'RUNNING') await platform.timers.yield()
  if (step === 'write') engine.fault = crash
  for (let at = 0; at < input.length; at += 60) {
    await produce(log.client(), 'in', input.slice(at, at + 60))
  }
  const isCrashed = (): boolean => crashed !== undefined
  while (!isCrashed()) await platform.timers.yield()
  // What a dead process would say nobody hears.
  await application.close().catch(() => {})
  await crashed
  engine.fault = () => {}
  log.fault = () => {}
  return { log, engine }
}

async function expectExact(
  log: FakeLog,
  engine: CrashableEngine,
  stateFolder: string,
): Promise<{ restored: number }> {
  const options = { client: log.client(), platform, stateFolder, engine }
  await using application = await startApplication(app, options)
  const { restored } = await application.untilEnd()
  const found: [string, string][] = []
  const store = application.store<ReadOnlyKeyValueStore<string, string>>('rows')
  for await (const { key, value } of store.all()) found.push([key, value])
  expect(found).toEqual(naiveRows)
  const counts = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
  for (const [letter, count] of Object.entries(naiveCounts)) {
    expect(counts.get(letter)?.value ?? 0, letter).toBe(count)
  }
  const topics = await log.client().describeTopics(['app-rows-changelog'])
  expect(topics.size).toBe(0)
  return { restored }
}
