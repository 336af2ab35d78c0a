/**
 * Whole applications on an embedded broker, from the start to the end of their input and its last commit: the flights
 * example, a stateless one that passes the same records on, and one that counts them by key. The 20,000 flights are
 * written 20 times; a run of a twentieth before it warms up.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import app from '../examples/flights/app.ts'
import { type Row, airports, flights } from '../examples/flights/dataset.ts'
import { startBroker } from '../src/broker/start-broker.ts'
import { createLogClient } from '../src/client/kafka-client.ts'
import type { LogClient } from '../src/client/log-client.ts'
import { type App, defineApp } from '../src/dsl/define-app.ts'
import type { StreamsBuilder } from '../src/dsl/streams-builder.ts'
import type { ProcessingGuarantee } from '../src/dsl/streams-config.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import { startApplication } from '../src/runtime/application.ts'
import { RecordCollector } from '../src/runtime/record-collector.ts'
import { bytes } from '../src/serde/bytes.ts'
import { long } from '../src/serde/numbers.ts'
import { string } from '../src/serde/string.ts'
import { amount, perSecond, report } from './measure.ts'

const partitions = 4
const platform = nodePlatform()

const passThrough = defineApp('pass-through', builder => {
  builder.stream('flights', { key: bytes(), value: bytes() }).to('copies')
})
const counting = (name: string, processingGuarantee: ProcessingGuarantee): App => {
  const build = (builder: StreamsBuilder): void => {
    builder
      .stream('flights', { key: string(), value: bytes() })
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .to('counts-by-key', { value: long() })
  }
  return defineApp(name, build, { processingGuarantee })
}
const countByKey = counting('count-by-key', 'exactlyOnce')
const countAtLeastOnce = counting('count-by-key-at-least-once', 'atLeastOnce')
const apps = [
  { name: 'flights pipeline', app },
  { name: 'pass-through pipeline', app: passThrough },
  { name: 'count by key pipeline', app: countByKey },
  { name: 'count by key pipeline, at least once', app: countAtLeastOnce },
]

await runAll(amount(20_000), () => {})
await runAll(amount(400_000), report)

async function runAll(records: number, done: typeof report): Promise<void> {
  await using broker = await startBroker()
  await using client = createLogClient({
    platform,
    bootstrap: [broker.address],
    connector: broker.connector(),
  })
  const topics = ['flights', 'airports', 'delays-by-city', 'copies', 'counts-by-key']
  await client.createTopics(topics.map(name => ({ name, partitions })))
  await load(client, 'airports', airports())
  const all = flights()
  for (let left = records; left > 0; left -= all.length) {
    await load(client, 'flights', all.slice(0, left))
  }
  for (const { name, app } of apps) done(name, await run(app, client, records), 'records/s')
}

async function load(client: LogClient, topic: string, rows: readonly Row[]): Promise<void> {
  const collector = new RecordCollector({ partitions: () => partitions })
  for (const { key, value } of rows) {
    collector.topic(topic).append(null, Buffer.from(key), Buffer.from(value), 0, [])
  }
  const producer = await client.producer()
  await producer.send(collector.drain())
  await producer.close()
}

async function run(app: App, client: LogClient, records: number): Promise<number> {
  const stateFolder = mkdtempSync(join(tmpdir(), 'millrace-bench-flights-'))
  const start = performance.now()
  const application = await startApplication(app, { client, platform, stateFolder })
  const { processed } = await application.untilEnd()
  const rate = perSecond(records, start)
  await application.close()
  rmSync(stateFolder, { recursive: true })
  if (processed !== records) throw new Error(`${app.name} processed ${processed} of ${records}.`)
  return rate
}
