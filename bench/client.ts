/**
 * The log client against the embedded broker, in process and over TCP on this machine: append sends batches of 1,000
 * records of 100 bytes to 4 partitions, 8 sends on their way at a time, acknowledged after fdatasync (`commit`) or
 * before it (`os`); fetch reads them all back, checksums included, without decoding the records.
 */
import { startBroker } from '../src/broker/start-broker.ts'
import type { Connector } from '../src/client/connection.ts'
import { createLogClient } from '../src/client/kafka-client.ts'
import { wireConnector } from '../src/client/wire-connection.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { amount, throughput } from './measure.ts'

const partitions = 4
const sends = amount(50)
const recordsPerBatch = 1000
const sendsOnTheirWay = 8
const platform = nodePlatform()

const value = Buffer.alloc(100, 'v')
const builder = new RecordBatchBuilder()
for (let i = 0; i < recordsPerBatch; i++) builder.append(null, value, 1_700_000_000_000 + i, [])
const batch = builder.build()

for (const flush of ['commit', 'os'] as const) {
  await using broker = await startBroker({ flush })
  const { address } = broker
  await run(`in process, flush ${flush}`, broker.connector(), address)
  await run(`over TCP, flush ${flush}`, wireConnector(platform, { clientId: 'bench' }), address)
}

async function run(
  title: string,
  connector: Connector,
  address: { host: string; port: number },
): Promise<void> {
  await using client = createLogClient({ platform, bootstrap: [address], connector })
  const topic = `bench-${title.replaceAll(/[ ,]+/g, '-')}`
  await client.createTopics([{ name: topic, partitions }])
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))

  const producer = await client.producer()
  let appended = 0
  await throughput(`broker append, ${title}`, 'records/s', async () => {
    const sending = new Set<Promise<unknown>>()
    for (let n = 0; n < sends; n++) {
      const sent = producer.send(all.map(each => ({ ...each, batch: Buffer.from(batch) })))
      sending.add(sent)
      void sent.then(() => sending.delete(sent))
      if (sending.size >= sendsOnTheirWay) await Promise.race(sending)
    }
    await Promise.all(sending)
    const records = sends * partitions * recordsPerBatch
    appended += records
    return records
  })
  await throughput(`broker fetch, ${title}`, 'records/s', async () => {
    const consumer = client.consumer()
    consumer.assign(all.map(each => ({ ...each, offset: 0 })))
    let read = 0
    while (read < appended) {
      for (const { offset, nextOffset } of await consumer.poll(1000)) read += nextOffset - offset
    }
    await consumer.close()
    return read
  })
}
