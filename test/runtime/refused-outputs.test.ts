import { describe, expect, test } from 'vitest'

import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { type App, type AppOptions, defineApp } from '../../src/dsl/define-app.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import {
  type ProductionErrorContext,
  logAndContinue,
} from '../../src/topology/exception-handlers.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

/** What the log refuses: here records that are too large for their topic. */
const platform = nodePlatform()
const text = { key: string(), value: string() }
const large = 'x'.repeat(2000)

const copy = defineApp('copy', builder => {
  builder.stream('in', text).to('out', { name: 'write' })
})
const records = [
  record('a', '1'),
  record('b', large),
  record('c', '3'),
  record('d', large),
  record('e', '5'),
]

async function run(client: LogClient, app: App, options: AppOptions): Promise<{ dropped: number }> {
  using folder = temporaryFolder()
  const engine = new CrashableEngine()
  const all = { client, platform, engine, stateFolder: folder.path, ...options }
  await using application = await startApplication(app, all)
  const metrics = await application.untilEnd()
  return metrics
}

async function withBroker(use: (client: LogClient) => Promise<void>): Promise<void> {
  using folder = temporaryFolder()
  await using broker = await startBroker({ data: folder.path })
  const [bootstrap, connector] = [[broker.address], broker.connector()]
  await using client = createLogClient({ platform, bootstrap, connector })
  await client.createTopics([
    { name: 'in' },
    { name: 'out', configs: { 'max.message.bytes': '1000' } },
  ])
  await produce(client, 'in', records)
  await use(client)
}

describe('a record that the log refuses', () => {
  test('is not one that is small enough as soon as it is compressed', async () => {
    await withBroker(async client => {
      const { dropped } = await run(client, copy, {
        compressionType: 'zstd',
        productionExceptionHandler: logAndContinue,
      })
      expect(dropped).toBe(0)
      expect((await readText(client, 'out')).length).toBe(records.length)
    })
  })

  test('is left out alone, in the order of the others, with a dead letter of itself', async () => {
    await withBroker(async client => {
      const asked: unknown[] = []
      const { dropped } = await run(client, copy, {
        deadLetterTopic: 'dead',
        productionExceptionHandler(error, context: ProductionErrorContext) {
          const { origin, outputTopic, nodeName, offset, record: refused } = context
          asked.push({ error, origin, outputTopic, nodeName, offset, key: String(refused.key) })
          return { response: 'continue', deadLetters: context.deadLetters() }
        },
      })
      expect(dropped).toBe(2)
      expect(await readText(client, 'out')).toEqual(['a=1', 'c=3', 'e=5'])
      expect(await readText(client, 'dead')).toEqual([`b=${large}`, `d=${large}`])
      const error = expect.objectContaining({
        code: 'LOG_ERROR',
        message: expect.stringMatching(/partition out-0: the broker answered MESSAGE_TOO_LARGE/),
      })
      const same = { error, origin: 'send', outputTopic: 'out', nodeName: 'write', offset: -1 }
      expect(asked).toEqual([
        { ...same, key: 'b' },
        { ...same, key: 'd' },
      ])
      expect(
        (await client.committedOffsets('copy', [{ topic: 'in', partition: 0 }]))[0]?.offset,
      ).toBe(5)
    })
  })

  test('stops the application by default', async () => {
    await withBroker(async client => {
      await expect(run(client, copy, {})).rejects.toMatchObject({
        code: 'LOG_ERROR',
        message: expect.stringMatching(/MESSAGE_TOO_LARGE/),
      })
      expect(await client.committedOffsets('copy', [{ topic: 'in', partition: 0 }])).toEqual([])
    })
  })

  test('of a changelog always does: the store would not be what its changelog says', async () => {
    await withBroker(async client => {
      const app = defineApp('latest', builder => {
        const changelog = { 'max.message.bytes': '1000' }
        builder
          .stream('in', text)
          .groupByKey()
          .reduce((_, v) => v, { store: 'latest', changelog })
      })
      const failed = run(client, app, { productionExceptionHandler: logAndContinue })
      await expect(failed).rejects.toMatchObject({
        message: expect.stringMatching(/latest-latest-changelog-0: .*MESSAGE_TOO_LARGE/),
      })
    })
  })
})

test('outputs that the log does not take for now are made anew if the handler says so', async () => {
  const log = new FakeLog(platform.timers)
  const client = log.client()
  await client.createTopics([{ name: 'in' }])
  await produce(client, 'in', [record('a', '1'), record('b', '2')])
  let failures = 2
  log.fault = step => {
    if (step === 'send' && failures-- > 0) {
      throw new MillraceError('LOG_ERROR_RETRIABLE', 'Too few replicas are in sync.')
    }
  }
  const asked: string[] = []
  await run(client, copy, {
    productionExceptionHandler(error, { origin }: ProductionErrorContext) {
      asked.push(`${origin}: ${String(error)}`)
      return 'retry'
    },
  })
  const once = 'send: MillraceError: Too few replicas are in sync.'
  expect(asked).toEqual([once, once])
  expect(await readText(client, 'out')).toEqual(['a=1', 'b=2'])
})
