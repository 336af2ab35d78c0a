import { expect, test } from 'vitest'
import {
  defineApp,
  failOnInvalidTimestamp,
  logAndSkipOnInvalidTimestamp,
  string,
  usePartitionTimeOnInvalidTimestamp,
} from '../../../src/index.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../../../src/protocol/record-batch-builder.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import type { TimestampExtractor } from '../../../src/topology/timestamp-extractors.ts'
import { CrashableEngine } from '../crashable-engine.ts'
import { FakeLog } from '../fake-log-client.ts'
import { produce, readAll, record, temporaryFolder } from '../testbed.ts'

const text = { key: string(), value: string() }
const platform = nodePlatform()
const baseTimestampAt = 27

/**
 * An application behind a record whose timestamp is the largest int64: Apache Kafka takes it, and no number in JavaScript
 * holds it. Millrace's own broker refuses it.
 */
async function run(timestampExtractor: TimestampExtractor) {
  using folder = temporaryFolder()
  const client = new FakeLog(platform.timers).client()
  await client.createTopics([{ name: 'in' }])
  await produce(client, 'in', [record('a', 'before', 5)])
  const builder = new RecordBatchBuilder()
  builder.append(Buffer.from('a'), Buffer.from('far'), 0, [])
  // The queue leaves checksums to the consumer.
  const batch = builder.build()
  batch.writeBigInt64BE(2n ** 63n - 1n, baseTimestampAt)
  const producer = await client.producer()
  await producer.send([{ topic: 'in', partition: 0, batch }])
  await producer.close()
  await produce(client, 'in', [record('a', 'after', 7)])
  const app = defineApp('app', b => b.stream('in', text).to('out'), {
    timestampExtractor,
    deadLetterTopic: 'dead',
    deadLetterDroppedRecords: true,
  })
  const engine = new CrashableEngine()
  const options = { client, platform, engine, stateFolder: folder.path }
  await using application = await startApplication(app, options)
  await application.untilEnd()
  const read = async (topic: string) =>
    (await readAll(client, topic)).map(({ value, timestamp }) => `${String(value)} ${timestamp}`)
  return { out: await read('out'), dead: await read('dead') }
}

test('a timestamp beyond 2^53 is left out, with a dead letter', async () => {
  const { out, dead } = await run(logAndSkipOnInvalidTimestamp)
  expect(out).toEqual(['before 5', 'after 7'])
  expect(dead).toEqual(['far -1'])
})

test('or becomes the time of its partition', async () => {
  const { out, dead } = await run(usePartitionTimeOnInvalidTimestamp)
  expect(out).toEqual(['before 5', 'far 5', 'after 7'])
  expect(dead).toEqual([])
})

test('or stops the application, which says where', async () => {
  await expect(run(failOnInvalidTimestamp)).rejects.toMatchObject({
    code: 'INVALID_TIMESTAMP',
    message: expect.stringMatching(/topic in, partition 0, offset 1/),
  })
})
