import { expect, test } from 'vitest'

import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { type TestRecord, produce, readAll, readText, record, temporaryFolder } from './testbed.ts'

/** Sinks that choose topics and partitions, in a running application. */
const platform = nodePlatform()
const text = { key: string(), value: string() }

async function run(app: App, log: FakeLog, records: readonly TestRecord[]): Promise<number> {
  using folder = temporaryFolder()
  await produce(log.client(), 'in', records)
  const client = log.client()
  const options = { client, platform, stateFolder: folder.path, engine: new CrashableEngine() }
  await using application = await startApplication(app, options)
  return (await application.untilEnd()).dropped
}

async function newLog(partitions: Readonly<Record<string, number>>): Promise<FakeLog> {
  const log = new FakeLog(platform.timers)
  const topics = Object.entries(partitions).map(([name, count]) => ({ name, partitions: count }))
  await log.client().createTopics(topics)
  return log
}

test('each record goes to the topic that is chosen for it, in order, whether the topic exists or not', async () => {
  const app = defineApp('routing', builder => {
    builder.stream('in', text).to((_, value) => value.slice(0, 3))
  })
  const log = await newLog({ in: 1, old: 3 })
  await run(app, log, [
    record('a', 'old one'),
    record('a', 'new one'),
    record('a', 'new two'),
    record('a', 'old two'),
  ])
  expect(await readText(log.client(), 'old')).toEqual(['a=old one', 'a=old two'])
  expect(await readText(log.client(), 'new')).toEqual(['a=new one', 'a=new two'])
})

test('the one that chooses sees where the record came from', async () => {
  const app = defineApp('placing', builder => {
    builder
      .stream('in', text)
      .to(
        (_, _value, { metadata, timestamp }) =>
          `${metadata?.topic}-${metadata?.offset}-${timestamp}`,
      )
  })
  const log = await newLog({ in: 1 })
  await run(app, log, [record('a', 'x', 5), record('a', 'y', 7)])
  expect([...log.topics.keys()].sort()).toEqual(['in', 'in-0-5', 'in-1-7'])
})

test('a partitioner of a chosen topic is asked once the number of its partitions is known', async () => {
  const asked: number[] = []
  const app = defineApp('partitioning', builder => {
    builder.stream('in', text).to(() => 'out', {
      partitioner: (_, value, partitions) => {
        asked.push(partitions)
        return Number(value) % partitions
      },
    })
  })
  const log = await newLog({ in: 1, out: 4 })
  await run(app, log, [record('a', '6'), record('a', '3')])
  expect(asked).toEqual([4, 4])
  const records = await readAll(log.client(), 'out')
  expect(records.map(({ partition, value }) => `${partition} ${String(value)}`)).toEqual([
    '2 6',
    '3 3',
  ])
})

test('several partitions get a copy each, none drops the record, null leaves it to the key', async () => {
  const app = defineApp('multicast', builder => {
    builder.stream('in', text).to('out', {
      partitioner: (_, value) => (value === 'all' ? [0, 1, 2, 2] : value === 'nobody' ? [] : null),
    })
  })
  const log = await newLog({ in: 1, out: 3 })
  const dropped = await run(app, log, [
    record('a', 'all'),
    record('a', 'nobody'),
    record('a', 'some'),
  ])
  const written = (await readAll(log.client(), 'out')).map(
    ({ partition, value }) => `${partition} ${String(value)}`,
  )
  expect(written.filter(each => each.endsWith('all'))).toEqual(['0 all', '1 all', '2 all'])
  expect(written.filter(each => each.endsWith('some'))).toHaveLength(1)
  expect(written).toHaveLength(4)
  expect(dropped).toBe(1)
})

test.each([
  [() => '', 'LOSTSINK returned ""'],
  [() => 'no name', 'LOSTSINK returned "no name"'],
])('what is no topic stops the application', async (choose, sentence) => {
  const app = defineApp('lost', builder =>
    builder.stream('in', text).to(choose, { name: 'LOSTSINK' }),
  )
  const log = await newLog({ in: 1 })
  await expect(run(app, log, [record('a', 'x')])).rejects.toThrow(sentence)
})
