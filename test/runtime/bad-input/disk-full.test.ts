import { expect, test } from 'vitest'
import { defineApp, string } from '../../../src/index.ts'
import { MillraceError } from '../../../src/errors.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import type { ReadOnlyKeyValueStore } from '../../../src/state/stores.ts'
import { simulatedLog } from '../simulated-log.ts'
import { produce, readText, record } from '../testbed.ts'

const text = { key: string(), value: string() }

test('a full disk below the stores: the instance is replaced until there is space, and counts all', async () => {
  const world = await simulatedLog()
  const { client } = world
  const { engine } = world.options
  await world.run(client.createTopics([{ name: 'in' }]))
  const app = defineApp('app', builder => {
    const counts = builder.stream('in', text).groupByKey().count({ store: 'counts' })
    counts.toStream().mapValues(String).to('out', text)
  })
  const errors: unknown[] = []
  const application = await world.run(
    startApplication(app, {
      ...world.options,
      uncaughtExceptionHandler: error => {
        errors.push(error)
        return 'replace'
      },
    }),
  )
  await world.run(produce(client, 'in', [record('a', 'x')]))
  await world.run(application.untilEnd())
  engine.fault = () => {
    throw new MillraceError('FILE_ERROR', 'There is no space left.')
  }
  await world.run(produce(client, 'in', [record('a', 'x'), record('b', 'x')]))
  await world.pass(60_000)
  expect(errors.length).toBeGreaterThan(1)
  // Not a hot loop: the pauses grow.
  expect(errors.length).toBeLessThan(30)
  for (const error of errors) expect(error).toMatchObject({ code: 'FILE_ERROR' })
  engine.fault = () => {}
  await world.run(produce(client, 'in', [record('a', 'x')]))
  await world.pass(60_000)
  expect(application.state).toBe('RUNNING')
  const counts = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
  expect(counts.get('a')?.value).toBe(3)
  expect(counts.get('b')?.value).toBe(1)
  expect(await world.run(readText(client, 'out'))).toEqual(['a=1', 'a=2', 'b=1', 'a=3'])
  await world.run(application.close())
})
