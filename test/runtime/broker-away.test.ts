import { describe, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { defineApp } from '../../src/dsl/define-app.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { pause } from '../../src/runtime/pause.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { produce, record } from './testbed.ts'

const address = { host: 'broker', port: 9092 }
const text = { key: string(), value: string() }

const app = defineApp('app', builder => {
  builder.stream('in', text).groupByKey().count({ store: 'counts' })
})

function connect(platform: Platform): LogClient {
  const connector = wireConnector(platform, { clientId: 'simulated' })
  return createLogClient({ platform, bootstrap: [address], connector })
}

/** An application in a simulation, whose broker crashes when `keys` were produced and a second has passed since. */
async function run(keys: readonly string[], awayMs: number) {
  const simulation = simulate({ seed: 1 })
  const broker = simulation.machine('broker')
  const { platform } = simulation.machine('app')
  await simulation.run(startBroker({ platform: broker.platform, data: '/broker', ...address }))
  const client = connect(platform)
  await simulation.run(client.createTopics([{ name: 'in' }]))
  const engine = new CrashableEngine()
  const options = { client, platform, engine, stateFolder: '/state', commitIntervalMs: 2000 }
  const application = await simulation.run(startApplication(app, options))
  await simulation.run(() => application.state === 'RUNNING')
  const records = keys.map(key => record(key, 'x'))
  await simulation.run(produce(client, 'in', records))
  await simulation.run(pause(platform.timers, 1000))
  broker.crash()
  await simulation.run(pause(platform.timers, awayMs))
  const before = platform.clock.monotonic()
  const closing = simulation.run(application.close())
  return { application, engine, closing, tookMs: () => platform.clock.monotonic() - before }
}

describe('an application whose broker is away closes within seconds', () => {
  test.each([0, 15_000])('without its last commit, as it says, after %i ms', async awayMs => {
    const { application, engine, closing, tookMs } = await run(['a'], awayMs)
    await expect(closing).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringMatching(/without its last commit/),
    })
    expect(tookMs()).toBeLessThan(15_000)
    expect(application.state).toBe('NOT_RUNNING')
    expect(engine.opened).toEqual([])
  })

  test('in good order, when it has nothing to commit', async () => {
    const { application, engine, closing, tookMs } = await run([], 15_000)
    await closing
    expect(tookMs()).toBeLessThan(15_000)
    expect(application.state).toBe('NOT_RUNNING')
    expect(engine.opened).toEqual([])
  })
})

test('a bounded run that is aborted does not wait for the broker either', async () => {
  const simulation = simulate({ seed: 1 })
  const broker = simulation.machine('broker')
  const { platform } = simulation.machine('app')
  await simulation.run(startBroker({ platform: broker.platform, data: '/broker', ...address }))
  const client = connect(platform)
  await simulation.run(client.createTopics([{ name: 'in' }]))
  const options = { client, platform, engine: new CrashableEngine(), stateFolder: '/state' }
  const application = await simulation.run(startApplication(app, options))
  await simulation.run(produce(client, 'in', [record('a', 'x')]))
  broker.crash()
  const stop = new AbortController()
  const ended = application.untilEnd({ signal: stop.signal })
  await simulation.run(pause(platform.timers, 5000))
  const before = platform.clock.monotonic()
  stop.abort()
  await simulation.run(ended)
  expect(platform.clock.monotonic() - before).toBeLessThan(100)
  await simulation.run(application.close())
})
