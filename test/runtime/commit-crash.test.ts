import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import type { ProcessingGuarantee } from '../../src/dsl/streams-config.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { foldTopic, produce, readText, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

/** No repartition topic: what comes out twice is then due to the commit alone. */
const app = defineApp('app', builder => {
  builder
    .stream('in', text)
    .groupByKey()
    .count({ store: 'counts', value: json<number>() })
    .toStream()
    .to('out', { key: string(), value: json<number>() })
})

const keys = ['a', 'b', 'c', 'd', 'e', 'f']
const input = Array.from({ length: 600 }, (_, i) =>
  record(keys[(i * 7) % keys.length] ?? '', `${i}`),
)

type Step = 'send' | 'commit' | 'end' | 'write'

/** Runs the application until it crashes right before the step of the n-th commit. */
async function runUntilCrash(
  log: FakeLog,
  engine: CrashableEngine,
  stateFolder: string,
  step: Step,
  nth: number,
  processingGuarantee: ProcessingGuarantee,
): Promise<void> {
  let left = nth
  let crashed: Promise<void> | undefined
  const client = log.client()
  const reach = (reached: Step): void => {
    if (reached !== step || --left > 0 || crashed !== undefined) return
    client.disconnect()
    crashed = engine.crash()
    throw new MillraceError('CONNECTION_LOST', 'The process is gone.')
  }
  log.fault = (reached, by) => (by === client ? reach(reached) : undefined)
  const application = await startApplication(app, {
    client,
    platform,
    stateFolder,
    engine,
    processingGuarantee,
    commitIntervalMs: 0,
  })
  await reaches(application, 'RUNNING')
  engine.fault = () => reach('write')
  await produce(log.client(), 'in', input.slice(0, 200))
  await produce(log.client(), 'in', input.slice(200, 400))
  await produce(log.client(), 'in', input.slice(400))
  const isCrashed = (): boolean => crashed !== undefined
  while (!isCrashed()) await platform.timers.yield()
  // What a dead process would say nobody hears.
  await application.close().catch(() => {})
  await crashed
  engine.fault = () => {}
  log.fault = () => {}
}

async function reaches(application: Application, state: Application['state']): Promise<void> {
  while (application.state !== state) await platform.timers.yield()
}

async function storeOf(application: Application): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const store = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
  for await (const { key, value } of store.all()) counts[key] = value
  return counts
}

async function changelogOf(log: FakeLog): Promise<Record<string, number>> {
  const rows = await foldTopic(log.client(), 'app-counts-changelog')
  return Object.fromEntries(
    [...rows].map(([key, value]) => [Buffer.from(key, 'hex').toString(), Number(value.toString())]),
  )
}

const naive = Object.fromEntries(
  keys.map(key => [key, input.filter(entry => entry.key === key).length]),
)

const steps: readonly (readonly [ProcessingGuarantee, Step, string])[] = [
  ['atLeastOnce', 'send', 'before anything of it is in the log'],
  ['atLeastOnce', 'commit', 'when outputs and changelog count and the offsets do not'],
  ['atLeastOnce', 'write', 'when the offsets are committed and the stores are not written'],
  ['exactlyOnce', 'send', 'before its transaction has begun'],
  ['exactlyOnce', 'commit', 'when outputs and changelog are in the transaction'],
  ['exactlyOnce', 'end', 'when the offsets are in the transaction, too'],
  ['exactlyOnce', 'write', 'when the transaction is committed and the stores are not written'],
]

describe.each(steps)('%s: a crash right before %s, %s', (processingGuarantee, step) => {
  test.each([1, 2, 3])('in commit %i', async nth => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const engine = new CrashableEngine()
    await log.client().createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }])
    await runUntilCrash(log, engine, folder.path, step, nth, processingGuarantee)
    await using application = await startApplication(app, {
      client: log.client(),
      platform,
      stateFolder: folder.path,
      engine,
      processingGuarantee,
    })
    const { restored } = await application.untilEnd()
    const counts = await storeOf(application)
    expect(counts).toEqual(await changelogOf(log))
    for (const key of keys) expect(counts[key]).toBeGreaterThanOrEqual(naive[key] ?? 0)
    // Only the one crash that leaves changes of the stores in the log without their offsets counts anything twice.
    const repeats = processingGuarantee === 'atLeastOnce' && step === 'commit'
    if (repeats) expect(counts).not.toEqual(naive)
    else expect(counts).toEqual(naive)
    if (processingGuarantee === 'exactlyOnce') {
      expect(await readText(log.client(), 'out')).toHaveLength(input.length)
    }
    // What the stores lack, and only that, comes from the changelog.
    if (step === 'write' || repeats) expect(restored).toBeGreaterThan(0)
    else expect(restored).toBe(0)
  })
})
