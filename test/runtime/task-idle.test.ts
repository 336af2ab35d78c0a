import { expect, test } from 'vitest'

import { defineApp } from '../../src/dsl/define-app.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { pause } from '../../src/runtime/pause.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { produce, readText, record } from './testbed.ts'

/** An application that waits for its other input, on the clock of a simulation. */
const text = { key: string(), value: string() }
const address = { host: 'broker', port: 9092 }
const merged = defineApp(
  'merged',
  builder => {
    builder.stream('left', text).merge(builder.stream('right', text)).to('out')
  },
  { maxTaskIdleMs: 60_000 },
)

test('records wait for an input that is at its end, and go on when it has one or the wait is over', async () => {
  const simulation = simulate({ seed: 7 })
  const broker = simulation.machine('broker')
  const { platform } = simulation.machine('app')
  await simulation.run(startBroker({ platform: broker.platform, data: '/broker', ...address }))
  const connector = wireConnector(platform, { clientId: 'simulated' })
  const client = createLogClient({ platform, bootstrap: [address], connector })
  await simulation.run(client.createTopics([{ name: 'left' }, { name: 'right' }]))
  const options = { client, platform, engine: new CrashableEngine(), stateFolder: '/state' }
  const application = await simulation.run(startApplication(merged, options))
  await simulation.run(() => application.state === 'RUNNING')
  const written = (): Promise<string[]> => simulation.run(readText(client, 'out'))
  const wait = (ms: number): Promise<void> => simulation.run(pause(platform.timers, ms))

  await simulation.run(produce(client, 'left', [record('a', 'second', 20)]))
  await wait(30_000)
  expect(await written()).toEqual([])
  await simulation.run(produce(client, 'right', [record('a', 'first', 10)]))
  await wait(5_000)
  expect(await written()).toEqual(['a=first'])
  await wait(50_000)
  expect(await written()).toEqual(['a=first'])
  await wait(15_000)
  expect(await written()).toEqual(['a=first', 'a=second'])
  await simulation.run(application.close())
})
