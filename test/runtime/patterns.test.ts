import { expect, test } from 'vitest'

import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

/** Sources with patterns, in a running application. */
const platform = nodePlatform()
const text = { key: string(), value: string() }
const app = defineApp('patterns', builder => {
  builder
    .stream(/in-[a-z]/, text)
    .processValues<string>(context => ({
      process: given => context.forward(given.withValue(`${given.value} ${context.taskId}`)),
    }))
    .to('out', text)
})

async function newLog(partitions: Readonly<Record<string, number>>): Promise<FakeLog> {
  const log = new FakeLog(platform.timers)
  const topics = Object.entries(partitions).map(([name, count]) => ({ name, partitions: count }))
  await log.client().createTopics(topics)
  return log
}

function start(log: FakeLog, stateFolder: string, started: App = app): Promise<Application> {
  const [client, engine] = [log.client(), new CrashableEngine()]
  const intervals = { commitIntervalMs: 1, metadataMaxAgeMs: 5 }
  return startApplication(started, { client, platform, stateFolder, engine, ...intervals })
}

async function outputs(log: FakeLog, count: number): Promise<string[]> {
  for (;;) {
    const records = await readText(log.client(), 'out')
    if (records.length >= count) return records.sort()
    await platform.timers.yield()
  }
}

test('topics that match whole are read, also those that come later, by whatever instances there are', async () => {
  const log = await newLog({ 'in-a': 1, 'xin-a': 1, 'in-ab': 1 })
  for (const topic of ['in-a', 'xin-a', 'in-ab']) {
    await produce(log.client(), topic, [record('k', topic)])
  }
  using one = temporaryFolder()
  using two = temporaryFolder()
  await using first = await start(log, one.path)
  await using second = await start(log, two.path)
  expect(await outputs(log, 1)).toEqual(['k=in-a 0_0'])

  await log.client().createTopics([{ name: 'in-b', partitions: 2 }])
  await produce(log.client(), 'in-b', [record('k', 'b'), record('m', 'b'), record('n', 'b')])
  await produce(log.client(), 'in-a', [record('k', 'again')])
  const all = await outputs(log, 5)
  expect(all.filter(each => each.includes('=b'))).toHaveLength(3)
  expect(all.filter(each => each.includes('in-a') || each.includes('again'))).toEqual([
    'k=again 0_0',
    'k=in-a 0_0',
  ])
  expect([first.state, second.state]).not.toContain('ERROR')
})

test('a pattern that matches nothing is refused with a sentence', async () => {
  const log = await newLog({ other: 1 })
  using folder = temporaryFolder()
  await expect(start(log, folder.path)).rejects.toThrow('No topic matches /in-[a-z]/')
})

test('topics of the cluster and of the application match nothing', async () => {
  const everything = defineApp('everything', builder => {
    const source = builder.stream(/.*/, text)
    source
      .selectKey((_, value) => value)
      .repartition({ ...text, name: 'moved' })
      .foreach(() => {})
  })
  const log = await newLog({ 'in-a': 1, __internal: 1 })
  await produce(log.client(), 'in-a', [record('k', 'v')])
  using folder = temporaryFolder()
  await using application = await start(log, folder.path, everything)
  expect(await application.untilEnd()).toMatchObject({ processed: 1 })
})
