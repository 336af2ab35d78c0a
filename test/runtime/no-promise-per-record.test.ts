import { createHook } from 'node:async_hooks'
import { expect, test } from 'vitest'
import app from '../../examples/flights/app.ts'
import { type Row, airports, flights } from '../../examples/flights/dataset.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { produce, record, temporaryFolder } from './testbed.ts'

/**
 * The promises of the whole process: broker, in-process client, worker, LevelDB. There are some for each fetch, slice, look
 * at the progress and commit; one for each record would be 20,000 at least. The count must not depend on how fast the
 * machine is: for the application time stands still, so that a slice lasts as long as there is input, and it commits at
 * the end of the input only. The first run makes the internal topics.
 */
test('the pipeline creates no promise per record', async ({ annotate }) => {
  const node = nodePlatform()
  const platform = { ...node, clock: { ...node.clock, monotonic: () => 0 } }
  using stateFolder = temporaryFolder()
  await using broker = await startBroker()
  await using client = createLogClient({
    platform: node,
    bootstrap: [broker.address],
    connector: broker.connector(),
  })
  const topics = ['flights', 'airports', 'delays-by-city']
  await client.createTopics(topics.map(name => ({ name, partitions: 4 })))
  const load = (topic: string, rows: readonly Row[]) =>
    produce(
      client,
      topic,
      rows.map(({ key, value }) => record(key, value)),
    )
  await load('airports', airports())
  await load('flights', flights())
  await using application = await startApplication(app, {
    client,
    platform,
    stateFolder: stateFolder.path,
  })
  const { processed: before } = await application.untilEnd()
  await load('flights', flights())

  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    },
  }).enable()
  const { processed } = await application.untilEnd()
  hook.disable()

  const records = processed - before
  const perRecord = promises / records
  await annotate(`${promises} promises for ${records} records: ${perRecord.toFixed(3)} a record`)
  expect(records).toBe(20_000)
  // The hook does see promises.
  expect(promises).toBeGreaterThan(10)
  expect(perRecord).toBeLessThan(0.3)
})
