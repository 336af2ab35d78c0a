import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import type { UncaughtExceptionHandler } from '../../src/dsl/streams-config.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import type { ApplicationState } from '../../src/runtime/application-state.ts'
import { silentLogger } from '../../src/logger.ts'
import { UncaughtErrors } from '../../src/runtime/uncaught-errors.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { simulatedLog } from './simulated-log.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

/** Counts by key; the record `bad` fails as long as `fails` says so. */
const counting = (fails: () => boolean) =>
  defineApp('app', builder => {
    builder
      .stream('in', text)
      .peek((_, value) => {
        if (value === 'bad' && fails()) throw new Error('not now')
      })
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .mapValues(String)
      .to('out', text)
  })

async function run(options: {
  fails: () => boolean
  uncaughtExceptionHandler?: UncaughtExceptionHandler
}) {
  const folder = temporaryFolder()
  const log = new FakeLog(platform.timers)
  const client = log.client()
  await client.createTopics([{ name: 'in' }])
  const states: ApplicationState[] = []
  const { fails, ...config } = options
  const application = await startApplication(counting(fails), {
    client,
    platform,
    stateFolder: folder.path,
    engine: new CrashableEngine(),
    onState: state => states.push(state),
    ...config,
  })
  return { client, application, states, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

test('all instances stop if the handler of one says so', async () => {
  const world = await simulatedLog()
  await world.run(world.client.createTopics([{ name: 'in', partitions: 4 }]))
  const start = (stateFolder: string) =>
    startApplication(
      counting(() => true),
      {
        client: world.connect(),
        platform: world.platform,
        engine: new CrashableEngine(),
        stateFolder,
        uncaughtExceptionHandler: () => 'stopAll',
      },
    )
  const started = await world.run(Promise.all(['/1', '/2', '/3'].map(start)))
  await world.until(() => started.every(({ state }) => state === 'RUNNING'))
  const finished = started.map(each => each.finished.catch((error: unknown) => error))
  await world.run(produce(world.client, 'in', [record('a', 'bad')]))
  const errors = await world.run(Promise.all(finished))
  const codes = errors.map(error => (error instanceof MillraceError ? error.code : String(error)))
  expect(codes).toHaveLength(3)
  expect(new Set(codes)).toEqual(new Set(['PROCESSING_ERROR', 'SHUTDOWN_REQUESTED']))
  expect(started.map(({ state }) => state)).toEqual(['ERROR', 'ERROR', 'ERROR'])
})

describe('an error that nobody handles', () => {
  test('stops the instance by default', async () => {
    using started = await run({ fails: () => true })
    await produce(started.client, 'in', [record('a', 'bad')])
    await expect(started.application.finished).rejects.toMatchObject({ code: 'PROCESSING_ERROR' })
    expect(started.states.slice(-2)).toEqual(['PENDING_ERROR', 'ERROR'])
  })

  test('replaces the worker if the handler says so, and nothing is lost', async () => {
    let failures = 0
    const heard: unknown[] = []
    using started = await run({
      fails: () => ++failures <= 2,
      uncaughtExceptionHandler: error => {
        heard.push(error)
        return 'replace'
      },
    })
    const { client, application, states } = started
    await produce(client, 'in', [record('a', 'x'), record('a', 'bad'), record('a', 'y')])
    await application.untilEnd()
    expect(await readText(client, 'out')).toContain('a=3')
    expect(heard).toEqual(Array(2).fill(expect.objectContaining({ code: 'PROCESSING_ERROR' })))
    expect(application.state).toBe('RUNNING')
    expect(states).not.toContain('PENDING_ERROR')
    await application.close()
    expect(application.state).toBe('NOT_RUNNING')
  })

  test('does not keep an instance from being closed while it waits to be replaced', async () => {
    using started = await run({ fails: () => true, uncaughtExceptionHandler: () => 'replace' })
    const { client, application, states } = started
    while (application.state !== 'RUNNING') await platform.timers.yield()
    await produce(client, 'in', [record('a', 'bad')])
    while (application.state === 'RUNNING') await platform.timers.yield()
    await application.close()
    expect(states.slice(-3)).toEqual(['REBALANCING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
  })

  test('stops the instance when the handler throws', async () => {
    const uncaughtExceptionHandler = (): never => {
      throw new Error('what now?')
    }
    using started = await run({ fails: () => true, uncaughtExceptionHandler })
    await produce(started.client, 'in', [record('a', 'bad')])
    await expect(started.application.finished).rejects.toMatchObject({ code: 'PROCESSING_ERROR' })
  })
})

test('the pause before a replacement doubles up to ten seconds, and is short again after a calm minute', () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now, bootId: '' }
  const random = { uint32: () => 2 ** 31, bytes: (length: number) => Buffer.alloc(length) }
  const handler: UncaughtExceptionHandler = () => 'replace'
  const uncaught = new UncaughtErrors({
    handler,
    platform: { clock, random },
    logger: silentLogger,
  })
  const next = (afterMs: number): number => {
    now += afterMs
    return uncaught.nextPauseMs()
  }
  expect([0, 0, 0, 0].map(next)).toEqual([100, 200, 400, 800])
  expect([0, 0, 0, 0, 59_000].map(next)).toEqual([1600, 3200, 6400, 10_000, 10_000])
  expect(next(61_000)).toBe(100)
})
