import { expect, test } from 'vitest'

import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { type App, type AsyncCall, defineApp, long, string } from '../../src/index.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { pause } from '../../src/runtime/pause.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { produce, readAll, record } from './testbed.ts'

/**
 * An application whose calls take time, fail and are tried again, in front of a store and behind it, is killed again and again
 * in the middle of them. Readers of committed records see each count of each key once, in order.
 */
const address = { host: 'broker', port: 9092 }
const text = { key: string(), value: string() }
const [records, keys, kills] = [240, 7, 4]
const seeds = Array.from({ length: Number(process.env['MILLRACE_SEEDS'] ?? 6) }, (_, at) => at + 1)

const connect = (platform: Platform): LogClient =>
  createLogClient({
    platform,
    bootstrap: [address],
    connector: wireConnector(platform, { clientId: 'simulated' }),
  })

/** `platformNow` is that of the process that is alive. */
function counting(platformNow: () => Platform): App {
  const slowly = async <T>(value: T, { attempt, signal }: AsyncCall): Promise<T> => {
    const { timers, random } = platformNow()
    await pause(timers, random.uint32() % 40)
    signal.throwIfAborted()
    if (attempt < 3 && random.uint32() % 10 === 0) throw new Error('not this time')
    return value
  }
  const options = { retries: 2, retryBackoffMs: 5, concurrency: 4, timeoutMs: 1000 }
  return defineApp('counting', builder => {
    builder
      .stream('in', text)
      .mapValuesAsync((value, _, call) => slowly(value, call), options)
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .mapValuesAsync((count, _, call) => slowly(count, call), options)
      .to('out', { key: string(), value: long() })
  })
}

test.each(seeds)('each result is seen once through kills, seed %i', async seed => {
  const simulation = simulate({ seed })
  const random = seededRandom(seed, 'kills')
  const broker = simulation.machine('broker')
  const machine = simulation.machine('app')
  await simulation.run(startBroker({ platform: broker.platform, data: '/broker', ...address }))
  const { platform: outsidePlatform } = simulation.machine('outside')
  const outside = connect(outsidePlatform)
  const topics = ['in', 'out'].map(name => ({ name, partitions: 2 }))
  await simulation.run(outside.createTopics(topics))
  const input = Array.from({ length: records }, (_, at) => record(`k${at % keys}`, `${at}`, at))
  await simulation.run(produce(outside, 'in', input))

  const app = counting(() => machine.platform)
  const engine = new CrashableEngine()
  const start = (): ReturnType<typeof startApplication> => {
    const { platform } = machine
    const config = { commitIntervalMs: 30, cacheMaxBytes: 0 }
    const client = connect(platform)
    return startApplication(app, { client, platform, engine, stateFolder: '/state', ...config })
  }
  let killedWithin = 0
  for (let kill = 0; kill < kills; kill++) {
    const application = await simulation.run(start())
    await simulation.run(() => application.metrics().processed > 0)
    await simulation.run(pause(outsidePlatform.timers, random.below(250)))
    const { processed } = application.metrics()
    if (processed > 0 && processed < records) killedWithin++
    machine.kill()
    await engine.crash()
    machine.restart()
  }
  const last = await simulation.run(start())
  await simulation.run(last.untilEnd())
  await simulation.run(last.close())

  const counts: Record<string, number[]> = {}
  for (const { key, value } of await simulation.run(readAll(outside, 'out'))) {
    ;(counts[String(key)] ??= []).push(Number(value?.readBigInt64BE()))
  }
  const expected: Record<string, number[]> = {}
  for (const { key } of input) {
    const ofKey = (expected[String(key)] ??= [])
    ofKey.push(ofKey.length + 1)
  }
  expect(counts).toEqual(expected)
  expect(killedWithin).toBeGreaterThan(0)
})
