import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { MillraceError } from '../../src/errors.ts'
import { silentLogger } from '../../src/logger.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { withinTaskTimeout } from '../../src/runtime/task-timeout.ts'
import { string } from '../../src/serde/string.ts'
import { produce, readText, record } from './testbed.ts'
import { simulatedLog } from './simulated-log.ts'

const text = { key: string(), value: string() }
const minute = 60_000

const app = defineApp('app', builder => {
  const counts = builder.stream('in', text).groupByKey().count({ store: 'counts' })
  counts.toStream().mapValues(String).to('out', text)
})

async function start() {
  const world = await simulatedLog()
  await world.run(world.client.createTopics([{ name: 'in' }]))
  const application = await world.run(startApplication(app, world.options))
  return { ...world, application }
}

/** The last count of the key, which an update may have told of more than once under at least once. */
async function last(world: Awaited<ReturnType<typeof start>>): Promise<string | undefined> {
  return (await world.run(readText(world.client, 'out'))).at(-1)
}

describe('a broker that is gone', () => {
  test.each([1, 4])('for %d min, with results not written yet, stops nothing', async minutes => {
    const world = await start()
    const { application, client } = world
    await world.until(() => application.state === 'RUNNING')
    await world.run(produce(client, 'in', [record('a', 'x')]))
    await world.pass(1000)
    expect(await last(world)).toBe('a=1')
    await world.run(produce(client, 'in', [record('a', 'x')]))
    world.crash()
    await world.pass(minutes * minute)
    // The commit was given up, and the task waits to start anew.
    expect(application.state).toBe('REBALANCING')
    await world.restart()
    await world.run(produce(client, 'in', [record('a', 'x')]))
    await world.pass(2 * minute)
    expect(application.state).toBe('RUNNING')
    expect(await last(world)).toBe('a=3')
    await world.run(application.close())
  })

  test('for ten minutes in which there is nothing to do is not even noticed', async () => {
    const world = await start()
    const { application, client } = world
    await world.until(() => application.state === 'RUNNING')
    world.crash()
    await world.pass(10 * minute)
    await world.restart()
    await world.run(produce(client, 'in', [record('a', 'x')]))
    await world.pass(minute)
    expect(application.state).toBe('RUNNING')
    expect(await last(world)).toBe('a=1')
    await world.run(application.close())
  })

  test('before the first task has started is waited for', async () => {
    const world = await start()
    world.crash()
    await world.pass(4 * minute)
    await world.restart()
    await world.run(produce(world.client, 'in', [record('a', 'x')]))
    await world.pass(minute)
    expect(world.application.state).toBe('RUNNING')
    expect(await last(world)).toBe('a=1')
    await world.run(world.application.close())
  })
})

describe('withinTaskTimeout', () => {
  const lost = new MillraceError('CONNECTION_LOST', 'Nobody answers.')

  /** What comes of an attempt that fails for `failingMs` of virtual time. */
  async function attempt(failingMs: number, taskTimeoutMs: number, failure: Error = lost) {
    const simulation = simulate({ seed: 1 })
    const { platform } = simulation.machine('app')
    const { clock } = platform
    const timeout = { platform, logger: silentLogger, taskTimeoutMs }
    const work = withinTaskTimeout('Task 0_1', timeout, async () => {
      if (clock.monotonic() < failingMs) throw failure
      return clock.monotonic()
    })
    return simulation.run(work)
  }

  test('waits as long as it may', async () => {
    expect(await attempt(290_000, 300_000)).toBeLessThan(292_000)
  })

  test('and no longer', async () => {
    await expect(attempt(310_000, 300_000)).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringMatching(/Task 0_1 made no progress for 300 s.*Nobody answers/),
    })
    await expect(attempt(1, 0)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })

  test('does not wait for what will not come right', async () => {
    const damaged = new MillraceError('CORRUPT_DATA', 'It is damaged.')
    await expect(attempt(1, 300_000, damaged)).rejects.toBe(damaged)
  })
})
