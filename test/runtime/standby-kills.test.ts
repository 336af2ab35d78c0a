import { expect, test } from 'vitest'

import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { defineApp, long, string } from '../../src/index.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { pause } from '../../src/runtime/pause.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { produce, readAll, record, type TestRecord } from './testbed.ts'

/**
 * Three instances with standbys come, go and are killed in any order, so tasks move to standbys and to newcomers that have warmed
 * up, with stores on disk or in memory. Readers of committed records see each count of each key once, in order: no state was
 * older or newer than its task.
 */
const address = { host: 'broker', port: 9092 }
const text = { key: string(), value: string() }
const [steps, perStep, keys] = [14, 60, 11]
const names = ['a', 'b', 'c']
const seeds = Array.from({ length: Number(process.env['MILLRACE_SEEDS'] ?? 6) }, (_, at) => at + 1)

let promoted = 0

const connect = (platform: Platform): LogClient =>
  createLogClient({
    platform,
    bootstrap: [address],
    connector: wireConnector(platform, { clientId: 'simulated' }),
  })

test.each(seeds)(
  'each result is seen once while tasks move to who has their state, seed %i',
  async seed => {
    const simulation = simulate({ seed })
    const random = seededRandom(seed, 'moves')
    const broker = simulation.machine('broker')
    await simulation.run(startBroker({ platform: broker.platform, data: '/broker', ...address }))
    const { platform: outsidePlatform } = simulation.machine('outside')
    const outside = connect(outsidePlatform)
    // The records are of 1970, and minutes pass.
    const configs = { 'retention.ms': '-1' }
    const topics = ['in', 'out'].map(name => ({ name, partitions: 3, configs }))
    await simulation.run(outside.createTopics(topics))
    const app = defineApp('counting', builder => {
      builder
        .stream('in', text)
        .groupByKey()
        .count({ store: 'counts', inMemory: seed % 2 === 0 })
        .toStream()
        .to('out', { key: string(), value: long() })
    })

    const engines = new Map(names.map(name => [name, new CrashableEngine()]))
    const running = new Map<string, Application>()
    const start = async (name: string): Promise<void> => {
      const { platform } = simulation.machine(name)
      const application = await simulation.run(
        startApplication(app, {
          client: connect(platform),
          platform,
          engine: engines.get(name) ?? new CrashableEngine(),
          stateFolder: '/state',
          commitIntervalMs: 30,
          cacheMaxBytes: 0,
          numStandbyReplicas: 1,
          acceptableRecoveryLag: random.below(3) * 20,
          probingRebalanceIntervalMs: 5000,
          standbyUpdateListener: {
            onUpdateSuspended: (_partition, _store, _next, _end, reason) => {
              if (reason === 'promoted') promoted++
            },
          },
        }),
      )
      running.set(name, application)
    }
    const stop = async (name: string, application: Application): Promise<void> => {
      running.delete(name)
      if (random.below(2) === 0) {
        await simulation.run(application.close())
        return
      }
      const machine = simulation.machine(name)
      machine.kill()
      await engines.get(name)?.crash()
      machine.restart()
    }

    const input: TestRecord[] = []
    for (let step = 0; step < steps; step++) {
      const records = Array.from({ length: perStep }, (_, i) => {
        const at = step * perStep + i
        return record(`k${at % keys}`, `${at}`, at)
      })
      input.push(...records)
      await simulation.run(produce(outside, 'in', records))
      const name = names[random.below(names.length)] ?? 'a'
      const application = running.get(name)
      if (application === undefined) await start(name)
      else await stop(name, application)
      await simulation.run(
        pause(outsidePlatform.timers, random.below(2) * 60_000 + random.below(500)),
      )
    }
    for (const name of names) if (!running.has(name)) await start(name)
    await simulation.run(
      Promise.all([...running.values()].map(application => application.untilEnd())),
    )
    for (const application of running.values()) await simulation.run(application.close())

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
  },
)

test('standbys took over in all that', () => {
  expect(promoted).toBeGreaterThan(seeds.length)
})
