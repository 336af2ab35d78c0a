import { expect, test } from 'vitest'
import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { simulatedLog } from './simulated-log.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

/** The tasks that a topology has become other ones, while it runs or while an instance is away. */
const platform = nodePlatform()
const text = { key: string(), value: string() }

/** Passes on each record with the task that has read it. */
const reading = (...topics: readonly string[]): App =>
  defineApp('growing', builder => {
    for (const topic of topics) {
      builder
        .stream(topic, text)
        .processValues<string>(context => ({
          process: given => context.forward(given.withValue(context.taskId)),
        }))
        .to('out', text)
    }
  })

const counting = defineApp('counting', builder => {
  builder.stream('in', text).groupByKey().count({ store: 'counts' })
})

async function newLog(): Promise<FakeLog> {
  const log = new FakeLog(platform.timers)
  await log.client().createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }])
  return log
}

function start(log: FakeLog, stateFolder: string, app: App): Promise<Application> {
  const [client, engine] = [log.client(), new CrashableEngine()]
  const intervals = { commitIntervalMs: 1, metadataMaxAgeMs: 5 }
  return startApplication(app, { client, platform, stateFolder, engine, ...intervals })
}

const records = Array.from({ length: 16 }, (_, i) => record(`k${i}`, 'x'))

async function tasksThatRead(log: FakeLog, count: number): Promise<Set<string | undefined>> {
  for (;;) {
    const read = await readText(log.client(), 'out')
    if (read.length >= count) return new Set(read.map(each => each.split('=')[1]))
    await platform.timers.yield()
  }
}

test('new partitions of an input are read by new tasks, by whatever instances there are', async () => {
  const log = await newLog()
  using one = temporaryFolder()
  using two = temporaryFolder()
  await using first = await start(log, one.path, reading('in'))
  await using second = await start(log, two.path, reading('in'))
  await produce(log.client(), 'in', records)
  expect(await tasksThatRead(log, 16)).toEqual(new Set(['0_0', '0_1']))
  log.topics.get('in')?.push([], [])
  await produce(log.client(), 'in', records)
  expect(await tasksThatRead(log, 32)).toEqual(new Set(['0_0', '0_1', '0_2', '0_3']))
  expect([first.state, second.state]).not.toContain('ERROR')
})

test('where state has as many partitions as there were, the application stops and says why', async () => {
  const log = await newLog()
  using folder = temporaryFolder()
  await using application = await start(log, folder.path, counting)
  while (application.state !== 'RUNNING') await platform.timers.yield()
  log.topics.get('in')?.push([])
  await expect(application.finished).rejects.toMatchObject({ code: 'WRONG_PARTITIONS' })
  await expect(application.finished).rejects.toThrow(/counting-counts-changelog/)
})

test('an instance that takes its place up again with another topology has its tasks shared out anew', async () => {
  const world = await simulatedLog()
  const topics = ['in', 'more'].map(name => ({ name, partitions: 2 }))
  await world.run(world.client.createTopics([...topics, { name: 'out' }]))
  const began = (app: App) => world.run(startApplication(app, world.options))
  const before = await began(reading('in', 'more'))
  await world.until(() => before.state === 'RUNNING')
  await world.pass(5000)
  await world.run(before.close({ leaveGroup: false }))
  await world.run(produce(world.client, 'more', records))
  const fewer = await began(reading('more'))
  await world.pass(10_000)
  expect(fewer.state).toBe('RUNNING')
  const read = await world.run(readText(world.client, 'out'))
  expect(new Set(read.map(each => each.split('=')[1]))).toEqual(new Set(['0_0', '0_1']))
  await world.run(fewer.close({ leaveGroup: false }))
  await world.run(produce(world.client, 'in', records))
  const again = await began(reading('more', 'in'))
  await world.pass(10_000)
  expect(await world.run(readText(world.client, 'out'))).toHaveLength(32)
  await world.run(again.close())
})
