/** Records that are not what the schema says, and topics that are not what the topology needs, on a broker. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startBroker } from '../../../src/broker/start-broker.ts'
import { createLogClient } from '../../../src/client/kafka-client.ts'
import { type App, defineApp, json, logAndContinue, string } from '../../../src/index.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import { CrashableEngine } from '../crashable-engine.ts'
import { produce, readText, record, temporaryFolder } from '../testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

async function withBroker(
  topics: Readonly<Record<string, number>>,
  use: (options: Omit<Parameters<typeof startApplication>[1], 'platform'>) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder()
  await using broker = await startBroker({ flush: 'os' })
  const connector = broker.connector()
  await using client = createLogClient({ platform, bootstrap: [broker.address], connector })
  await client.createTopics(Object.entries(topics).map(([name, partitions]) => ({ name, partitions }))) // prettier-ignore
  await use({ client, engine: new CrashableEngine(), stateFolder: folder.path })
}

test('what its schema refuses becomes a dead letter, and the others go on', async () => {
  const order = json(z.object({ amount: z.number().positive() }))
  const app = defineApp(
    'app',
    builder => {
      const orders = builder.stream('in', { key: string(), value: order })
      orders.mapValues(({ amount }) => String(amount)).to('out', text)
    },
    { deserializationExceptionHandler: logAndContinue, deadLetterTopic: 'dead' },
  )
  await withBroker({ in: 1 }, async options => {
    const { client } = options
    const values = ['{"amount":1}', '{"amount":-1}', '{}', '[]', 'null', '{"amount":2}']
    const input = values.map(value => record('k', value))
    await produce(client, 'in', input)
    await using application = await startApplication(app, options)
    const { dropped } = await application.untilEnd()
    expect(dropped).toBe(4)
    expect(await readText(client, 'out')).toEqual(['k=1', 'k=2'])
    expect(await readText(client, 'dead')).toEqual(values.slice(1, 5).map(value => `k=${value}`))
  })
})

const joined: App = defineApp('app', builder => {
  const names = builder.table('names', text)
  builder.stream('in', text).join(names, (value, name) => value + name).to('out', text) // prettier-ignore
})

test.each([
  ['a source topic that does not exist', { in: 2 }, 'MISSING_TOPIC', /'names'/],
  ['joined topics of different counts', { in: 2, names: 3 }, 'WRONG_PARTITIONS', /names/],
])('%s: it does not start, and says why', async (_, topics, code, message) => {
  await withBroker(topics, async options => {
    await expect(startApplication(joined, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})
