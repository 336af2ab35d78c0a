/**
 * How long it takes to start: first in this process as it is, with nothing compiled, counted from the start of the process
 * to the broker that is ready and on to the first result of an application; then the same once it is warm.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../src/broker/start-broker.ts'
import { createLogClient } from '../src/client/kafka-client.ts'
import { defineApp } from '../src/dsl/define-app.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { startApplication } from '../src/runtime/application.ts'
import { string } from '../src/serde/string.ts'
import { latency, report } from './measure.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

const broker = await startBroker()
report('process start to broker ready', performance.now(), 'ms')
const client = createLogClient({
  platform,
  bootstrap: [broker.address],
  connector: broker.connector(),
})
await client.createTopics([
  { name: 'in', partitions: 1 },
  { name: 'out', partitions: 1 },
])
const producer = await client.producer()
const builder = new RecordBatchBuilder()
builder.append(Buffer.from('key'), Buffer.from('value'), 0, [])
await producer.send([{ topic: 'in', partition: 0, batch: builder.build() }])
let applications = 0
const close = await firstResult()
report('process start to first result', performance.now(), 'ms')
await close()

await latency('application start to first result, warm', firstResult)
await client.close()
await broker.close()
await latency('broker start on an empty folder, warm', async () => {
  const another = await startBroker()
  return () => another.close()
})

/** Starts an application that has not run before, waits for its first output record and returns how to close it. */
async function firstResult(): Promise<() => Promise<void>> {
  applications += 1
  const app = defineApp(`app-${applications}`, builder => {
    builder.stream('in', text).to('out')
  })
  const stateFolder = mkdtempSync(join(tmpdir(), 'millrace-bench-start-'))
  const consumer = client.consumer()
  consumer.assign(await client.listOffsets([{ topic: 'out', partition: 0 }], 'latest'))
  const application = await startApplication(app, { client, platform, stateFolder })
  while ((await consumer.poll(1000)).length === 0);
  return async () => {
    await consumer.close()
    await application.close()
    rmSync(stateFolder, { recursive: true })
  }
}
