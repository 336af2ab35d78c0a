/**
 * Java's Kafka Streams and Millrace on one Apache Kafka, each with the same topology on the same input. What both write must
 * be equal: partition by partition, record by record, with keys, headers and timestamps as bytes. And each reads
 * what the other has repartitioned or keyed by windows.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Application,
  createLogClient,
  defineApp,
  integer,
  long,
  nodePlatform,
  type Serde,
  sessions,
  sessionWindowed,
  startApplication,
  string,
  type StreamsBuilder,
  tumbling,
  type Windowed,
  windowed,
  wireConnector,
} from 'millrace'
import { afterAll, expect, test } from 'vitest'
import type { LogClient } from '../../src/client/log-client.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import type { BrokerProcess } from '../torture/broker-process.ts'
import { hasKafka, javaArguments, kafkaVersions } from './clients.ts'
import { startKafkaServer } from './kafka-server.ts'

const version = kafkaVersions.at(-1) ?? ''
const folder = mkdtempSync(join(tmpdir(), 'millrace-agreement-'))
const PARTITIONS = 5
const text = string()

/** The bytes of the key of record `i`, by the type of the key. */
const keys = {
  string: (i: number) => text.serialize(`${['', 'ключ', 'k', '鍵🔑'][i % 4]}${i % 61}`),
  integer: (i: number) => integer().serialize(i % 2 === 0 ? i : -i * 5_000_000),
  long: (i: number) => long().serialize(i % 2 === 0 ? i : -i * 20_000_000_000_000),
}
const types = ['string', 'integer', 'long'] as const
const kinds = ['time', 'session'] as const

const written = ({ key, window }: Windowed<string>): string =>
  `${key} from ${window.start} to ${window.end}`

function keysOf<K>(builder: StreamsBuilder, type: string, key: Serde<K>): void {
  const serdes = { key, value: text }
  builder
    .stream(`in-${type}`, serdes)
    .repartition({ ...serdes, name: type, partitions: PARTITIONS })
    .to(`millrace-own-${type}`, serdes)
  builder
    .stream(`java-${type}-repartition`, serdes)
    .mapValues((value, each) => `${String(each)}=${value}`)
    .to(`millrace-of-${type}`, serdes)
}

function readWindows(builder: StreamsBuilder, kind: string, key: Serde<Windowed<string>>): void {
  builder
    .stream(`java-${kind}`, { key, value: long() })
    .map((each, count) => [written(each), String(count)])
    .to(`millrace-of-${kind}`, { key: text, value: text })
}

const app = defineApp('millrace', builder => {
  keysOf(builder, 'string', text)
  keysOf(builder, 'integer', integer())
  keysOf(builder, 'long', long())
  const words = builder.stream('in-windows', { key: text, value: text }).groupByKey()
  words
    .windowedBy(tumbling({ minutes: 1 }))
    .count()
    .toStream()
    .to('millrace-time')
  words
    .windowedBy(sessions({ minutes: 1 }))
    .count()
    .toStream()
    .to('millrace-session')
  readWindows(builder, 'time', windowed(text, 60_000))
  readWindows(builder, 'session', sessionWindowed(text))
})

interface Written {
  readonly key: string | undefined
  readonly value: string | undefined
  readonly timestamp: number
  readonly headers: readonly string[]
}

/** The committed records of each partition, as soon as there are so many, and none more. */
async function read(client: LogClient, topic: string, count: number): Promise<Written[][]> {
  const partitions = (await client.describeTopics([topic])).get(topic)?.partitions ?? 0
  const consumer = client.consumer({ isolation: 'readCommitted' })
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)
  consumer.assign(numbers.map(partition => ({ topic, partition, offset: 0 })))
  const found: Written[][] = numbers.map(() => [])
  const reader = new RecordReader()
  let total = 0
  while (total < count) {
    for (const { partition, batches, offset } of await consumer.poll(1_000)) {
      reader.reset(batches)
      while (reader.next()) {
        if (reader.isControl || reader.offset < offset) continue
        found[partition]?.push({
          key: reader.key?.toString('hex'),
          value: reader.value?.toString('hex'),
          timestamp: reader.timestamp,
          headers: reader.headers.map(({ key, value }) => `${key}=${String(value)}`),
        })
        total += 1
      }
    }
  }
  expect(total, topic).toBe(count)
  await consumer.close()
  return found
}

function sortEach(partitions: Written[][]): void {
  const text = (record: Written): string => `${record.key} ${record.value} ${record.timestamp}`
  for (const records of partitions) records.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

const RECORDS = 400

/** Writes the inputs; how many records either of both must write, by the rest of the topic's name. */
async function writeInputs(client: LogClient): Promise<Map<string, number>> {
  const producer = await client.producer()
  const counts = new Map<string, number>()
  for (const type of types) {
    const batch = new RecordBatchBuilder()
    for (let i = 0; i < RECORDS; i++) {
      const headers = i % 3 === 0 ? [{ key: 'i', value: Buffer.from(String(i)) }] : []
      // What has no key belongs to no partition: neither of both repartitions it.
      if (i % 20 === 0) batch.append(null, Buffer.from('lost'), 5_000, headers)
      batch.append(keys[type](i), Buffer.from(`value ${i}`), 1_000_000 + i * 17, headers)
    }
    await producer.send([{ topic: `in-${type}`, partition: 0, batch: batch.build() }])
    for (const name of [`${type}-repartition`, `own-${type}`, `of-${type}`]) {
      counts.set(name, RECORDS)
    }
  }
  const batch = new RecordBatchBuilder()
  const latest = new Map<string, number>()
  let timestamp = 1_000_000
  let ofSessions = 0
  for (let i = 0; i < RECORDS; i++) {
    const key = `word ${i % 7}`
    // With seven words, sessions go on while records come every two seconds, and end when they come every ten.
    timestamp += i % 50 < 25 ? 2_000 : 10_000
    batch.append(Buffer.from(key), Buffer.from('value'), timestamp, [])
    // A session that goes on is another key: the old one gets a tombstone.
    ofSessions += timestamp - (latest.get(key) ?? 0) <= 60_000 ? 2 : 1
    latest.set(key, timestamp)
  }
  await producer.send([{ topic: 'in-windows', partition: 0, batch: batch.build() }])
  await producer.close()
  expect(ofSessions).toBeGreaterThan(RECORDS)
  expect(ofSessions).toBeLessThan(2 * RECORDS)
  for (const name of ['time', 'of-time']) counts.set(name, RECORDS)
  for (const name of ['session', 'of-session']) counts.set(name, ofSessions)
  return counts
}

let server: BrokerProcess | undefined
let java: ChildProcess | undefined
let application: Application | undefined
let client: (LogClient & AsyncDisposable) | undefined

afterAll(async () => {
  await application?.close()
  await client?.[Symbol.asyncDispose]()
  if (java?.kill('SIGKILL') === true) await once(java, 'close')
  await server?.kill()
  rmSync(folder, { recursive: true, force: true })
})

test.runIf(hasKafka(version))(
  `Kafka Streams ${version} and Millrace write the same and read each other`,
  async () => {
    server = await startKafkaServer(join(folder, 'kafka'), { version })
    const [host = '', port] = server.bootstrap.split(':')
    const platform = nodePlatform()
    const connector = wireConnector(platform, { clientId: 'agreement' })
    client = createLogClient({ platform, bootstrap: [{ host, port: Number(port) }], connector })
    const log = client
    const outputs = ['java', 'millrace'].flatMap(name => [
      ...types.flatMap(type => [
        `${name}-${type}-repartition`,
        `${name}-own-${type}`,
        `${name}-of-${type}`,
      ]),
      ...kinds.flatMap(kind => [`${name}-${kind}`, `${name}-of-${kind}`]),
    ])
    const inputs = [...types.map(type => `in-${type}`), 'in-windows']
    await client.createTopics([
      ...inputs.map(name => ({ name, partitions: 1 })),
      ...outputs.map(name => ({ name, partitions: PARTITIONS })),
    ])
    const counts = await writeInputs(client)

    const args = [...javaArguments(version), 'Agreement', server.bootstrap, join(folder, 'java')]
    java = spawn('java', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    application = await startApplication(app, { client, stateFolder: join(folder, 'millrace') })

    for (const [what, count] of counts) {
      const both = await Promise.all(
        ['java', 'millrace'].map(name => read(log, `${name}-${what}`, count)),
      )
      // Keys in windows come from all partitions of the other and are written to others: there is no order between these.
      if (what === 'of-time' || what === 'of-session') both.forEach(sortEach)
      expect(both[1], what).toEqual(both[0])
      expect(both.flat(2).every(({ key }) => key !== undefined)).toBe(true)
    }
  },
)
