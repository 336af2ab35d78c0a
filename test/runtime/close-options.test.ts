import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import type { StreamsConfig } from '../../src/dsl/streams-config.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { simulatedLog } from './simulated-log.ts'
import { produce, readText, record } from './testbed.ts'

/** What closing an instance does to its place in the group. */
const text = { key: string(), value: string() }
const app = defineApp('close', builder => {
  builder
    .stream('in', text)
    .processValues<string>(context => ({
      process: given => context.forward(given.withValue(context.taskId)),
    }))
    .to('out', text)
})

async function twoInstances(streamsConfig: StreamsConfig = {}) {
  const world = await simulatedLog()
  await world.run(world.client.createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }]))
  const states: string[] = []
  const start = (stateFolder: string) =>
    startApplication(app, {
      client: world.connect(),
      platform: world.platform,
      engine: new CrashableEngine(),
      stateFolder,
      ...streamsConfig,
      onState: state => states.push(`${stateFolder} ${state}`),
    })
  const [one, two] = await world.run(Promise.all([start('/1'), start('/2')]))
  await world.until(() => one.state === 'RUNNING' && two.state === 'RUNNING')
  await world.pass(10_000)
  states.length = 0
  const members = async () => (await world.run(world.client.describeGroup('close'))).members.length
  return { world, start, one, two, states, members }
}

/** A record for each of the tasks. */
const both = Array.from({ length: 8 }, (_, i) => record(`k${i}`, 'x'))

test('an instance that keeps its place is waited for, and its restart needs no rebalance', async () => {
  const { world, start, one, two, states, members } = await twoInstances()
  await world.run(one.close({ leaveGroup: false }))
  expect(await members()).toBe(2)
  await world.run(produce(world.client, 'in', both))
  await world.pass(20_000)
  const meanwhile = new Set(await world.run(readText(world.client, 'out')))
  expect(new Set([...meanwhile].map(each => each.split('=')[1])).size).toBe(1)
  const again = await world.run(start('/1'))
  await world.until(() => again.state === 'RUNNING')
  await world.pass(5000)
  expect(await world.run(readText(world.client, 'out'))).toHaveLength(8)
  expect(states.filter(each => each.startsWith('/2'))).toEqual([])
  await world.run(Promise.all([again.close(), two.close()]))
  expect(await members()).toBe(0)
})

test('its tasks go to others when it does not come back in time', async () => {
  const { world, one, two, members } = await twoInstances()
  await world.run(one.close({ leaveGroup: false }))
  await world.run(produce(world.client, 'in', both))
  await world.pass(60_000)
  expect(await members()).toBe(1)
  expect(await world.run(readText(world.client, 'out'))).toHaveLength(8)
  await world.run(two.close())
})

test('sessionTimeoutMs says how long that is', async () => {
  const { world, one, two, members } = await twoInstances({ sessionTimeoutMs: 15_000 })
  await world.run(one.close({ leaveGroup: false }))
  await world.pass(10_000)
  expect(await members()).toBe(2)
  await world.pass(10_000)
  expect(await members()).toBe(1)
  await world.run(two.close())
})

test('by default it leaves, and others go on with its tasks at once', async () => {
  const { world, one, two, members } = await twoInstances()
  await world.run(one.close())
  expect(await members()).toBe(1)
  await world.run(produce(world.client, 'in', both))
  await world.pass(10_000)
  expect(await world.run(readText(world.client, 'out'))).toHaveLength(8)
  await world.run(two.close())
})
