import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { produce, readText, record } from './testbed.ts'
import { simulatedLog } from './simulated-log.ts'

const text = { key: string(), value: string() }

test('a paused application keeps its place and its state, and goes on where it was', async () => {
  const world = await simulatedLog()
  const { client } = world
  await world.run(client.createTopics([{ name: 'in', partitions: 2 }]))
  let ticks = 0
  const app = defineApp('app', builder => {
    const source = builder.stream('in', text)
    source.process(context => {
      context.schedule({ every: { seconds: 1 }, type: 'wallClock' }, () => {
        ticks++
      })
      return { process() {} }
    })
    source.groupByKey().count({ store: 'counts' }).toStream().mapValues(String).to('out', text)
  })
  const application = await world.run(startApplication(app, world.options))
  const out = () => world.run(readText(client, 'out'))
  await world.until(() => application.state === 'RUNNING')
  await world.run(produce(client, 'in', [record('a', 'x')]))
  await world.pass(2000)
  expect(await out()).toEqual(['a=1'])
  expect(ticks).toBeGreaterThan(0)

  application.pause()
  expect(application.isPaused).toBe(true)
  const ticksBefore = ticks
  await world.run(produce(client, 'in', [record('a', 'y'), record('b', 'y')]))
  await world.pass(120_000)
  expect(await out()).toEqual(['a=1'])
  expect(ticks).toBe(ticksBefore)
  expect(application.state).toBe('RUNNING')
  const counts = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
  expect(counts.get('a')?.value).toBe(1)

  application.resume()
  expect(application.isPaused).toBe(false)
  await world.pass(2000)
  expect((await out()).sort()).toEqual(['a=1', 'a=2', 'b=1'])
  expect(ticks).toBeGreaterThan(ticksBefore)
  await world.run(application.close())
})

test('an application that is paused while it starts restores its tasks and is RUNNING', async () => {
  const world = await simulatedLog()
  const { client } = world
  await world.run(client.createTopics([{ name: 'in' }]))
  const app = defineApp('app', builder => {
    builder.stream('in', text).groupByKey().count({ store: 'counts' })
  })
  const first = await world.run(startApplication(app, world.options))
  await world.run(produce(client, 'in', [record('a', 'x'), record('b', 'x')]))
  await world.run(first.untilEnd())
  await world.run(first.close())
  await world.options.engine.destroy('0_0')
  const next = await world.run(startApplication(app, world.options))
  next.pause()
  await world.until(() => next.state === 'RUNNING')
  expect(next.metrics().restored).toBe(2)
  await world.run(produce(client, 'in', [record('a', 'x')]))
  const ended = next.untilEnd()
  await world.pass(60_000)
  expect(next.metrics().processed).toBe(0)
  next.resume()
  expect(await world.run(ended)).toMatchObject({ processed: 1 })
  await world.run(next.close())
})
