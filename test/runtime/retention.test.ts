import { describe, expect, test } from 'vitest'
import type { LogClient } from '../../src/client/log-client.ts'
import { defineApp } from '../../src/dsl/define-app.ts'
import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { FakeLog } from './fake-log-client.ts'
import { logs } from './logs.ts'
import { foldTopic, produce, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

/** A client whose consumers wait before each poll until `ready()` has resolved. */
function waitingFor(client: LogClient, ready: () => Promise<void>): LogClient {
  const makeConsumer = client.consumer.bind(client)
  client.consumer = options => {
    const consumer = makeConsumer(options)
    const poll = consumer.poll.bind(consumer)
    consumer.poll = async maxWaitMs => {
      await ready()
      return poll(maxWaitMs)
    }
    return consumer
  }
  return client
}

describe.each(logs)('retention overtakes a slow reader of %s', (_, openLog) => {
  test('which goes on at the first record that there is, with a warning', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const input = { topic: 'in', partition: 0 }
    const admin = log.client()
    await admin.createTopics([{ name: 'in' }])
    // Batches so large that no more than a few of them can be on their way to the reader.
    const large = 'x'.repeat(900_000)
    for (let i = 0; i < 10; i++) await produce(admin, 'in', [record(`${i}`, large)])
    const seen: string[] = []
    let deleted: Promise<void> = Promise.resolve()
    const app = defineApp('app', builder => {
      builder.stream('in', text).foreach(key => {
        if (seen.length === 0) deleted = admin.deleteRecords([{ ...input, offset: 10 }])
        seen.push(key)
      })
    })
    const warnings: object[] = []
    await using application = await startApplication(app, {
      client: waitingFor(log.client(), () => deleted),
      platform,
      stateFolder: folder.path,
      logger: { ...silentLogger, warn: fields => warnings.push(fields) },
    })
    await application.untilEnd()
    expect(seen.length).toBeLessThan(10)
    expect(warnings).toMatchObject([{ topic: 'in', partition: 0, latest: 10 }])
    await produce(admin, 'in', [record('new', 'y')])
    await application.untilEnd()
    expect(seen.at(-1)).toBe('new')
    expect(await admin.committedOffsets('app', [input])).toMatchObject([{ offset: 11 }])
  })
})

describe('records of a changelog that a store lacks are gone', () => {
  const counting = defineApp('app', builder => {
    builder.stream('in', text).groupByKey().count({ store: 'counts', value: json<number>() })
  })
  const changelog = { topic: 'app-counts-changelog', partition: 0 }

  /** A log on which keys were counted in one commit each, in the order of their first letters. */
  async function counted(stateFolder: string, keys: readonly string[]): Promise<FakeLog> {
    const log = new FakeLog(platform.timers)
    const client = log.client()
    await client.createTopics([{ name: 'in' }])
    await using application = await startApplication(counting, { client, platform, stateFolder })
    for (const key of keys) {
      await produce(client, 'in', [record(key, 'x')])
      await application.untilEnd()
    }
    return log
  }

  async function expectFold(log: FakeLog, client: LogClient, stateFolder: string): Promise<void> {
    await using application = await startApplication(counting, { client, platform, stateFolder })
    await application.untilEnd()
    const rows: Record<string, number> = {}
    const store = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
    for await (const { key, value } of store.all()) rows[key] = value
    const fold = await foldTopic(log.client(), changelog.topic)
    expect(rows).toEqual(
      Object.fromEntries(
        [...fold].map(([key, value]) => [Buffer.from(key, 'hex').toString(), Number(value)]),
      ),
    )
  }

  test('at the start: the store becomes the fold of what is left', async () => {
    using first = temporaryFolder()
    using second = temporaryFolder()
    const log = await counted(first.path, ['a', 'b'])
    const client = log.client()
    await using elsewhere = await startApplication(counting, {
      client,
      platform,
      stateFolder: second.path,
    })
    for (const key of ['c', 'd']) {
      await produce(client, 'in', [record(key, 'x')])
      await elsewhere.untilEnd()
    }
    await elsewhere.close()
    // Behind each record stands the marker of its transaction; the store has the first two.
    await client.deleteRecords([{ ...changelog, offset: 6 }])
    expect(log.startOffset(changelog)).toBe(6)
    await expectFold(log, client, first.path)
  })

  test('while it is restored: it is restored from what is left', async () => {
    using first = temporaryFolder()
    using second = temporaryFolder()
    const log = await counted(first.path, ['a', 'b', 'c'])
    const ready = (): Promise<void> => log.client().deleteRecords([{ ...changelog, offset: 2 }])
    await expectFold(log, waitingFor(log.client(), ready), second.path)
    expect(log.startOffset(changelog)).toBe(2)
  })
})
