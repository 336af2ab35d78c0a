/**
 * What it costs to come back: an application that counts a million keys is killed (SIGKILL) in the middle of its work, and
 * started again, once with the state that it left and once without. Measured from the start of the process to the first
 * result of a record that was written after the kill; beside it, how many records were restored for that. The rate of
 * restoring is to be compared with that of a consumer which only reads the same changelog.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { startBroker } from '../src/broker/start-broker.ts'
import { createLogClient } from '../src/client/kafka-client.ts'
import type { LogClient } from '../src/client/log-client.ts'
import { wireConnector } from '../src/client/wire-connection.ts'
import { defineApp } from '../src/dsl/define-app.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import type { Address } from '../src/platform/platform.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { startApplication } from '../src/runtime/application.ts'
import { json } from '../src/serde/json.ts'
import { string } from '../src/serde/string.ts'
import { amount, perSecond, report } from './measure.ts'

const keys = amount(1_000_000)
const partitions = 4
const platform = nodePlatform()

const app = defineApp('restart', builder => {
  builder
    .stream('in', { key: string(), value: string() })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .filter(key => key.startsWith('new'))
    .to('out', { key: string(), value: json<number>() })
})

interface Told {
  readonly processed: number
  readonly restored: number
  readonly restoreMs: number
}

if (process.argv[2] === 'app') await runApp(process.argv[3] ?? '', process.argv[4] ?? '')
else await measure()

function connect(address: Address): LogClient {
  const connector = wireConnector(platform, { clientId: 'bench' })
  return createLogClient({ platform, bootstrap: [address], connector })
}

/** The application, in a process of its own; tells how far it is whenever it is asked. */
async function runApp(address: string, stateFolder: string): Promise<void> {
  const client = connect({ host: '127.0.0.1', port: Number(address) })
  let begun = Infinity
  let ended = 0
  const application = await startApplication(app, {
    client,
    platform,
    stateFolder,
    commitIntervalMs: 100,
    restoreListener: {
      onRestoreStart: () => (begun = Math.min(begun, performance.now())),
      onRestoreEnd: () => (ended = performance.now()),
    },
  })
  process.on('message', () => {
    const { processed, restored } = application.metrics()
    const told: Told = { processed, restored, restoreMs: Math.max(0, ended - begun) }
    process.send?.(told)
  })
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-restart-'))
  const broker = await startBroker({ data: join(folder, 'broker'), flush: 'os' })
  const client = connect(broker.address)
  await client.createTopics([
    { name: 'in', partitions },
    { name: 'out', partitions: 1 },
  ])
  const state = join(folder, 'state')
  const start = (): ChildProcess =>
    fork(import.meta.filename, ['app', String(broker.address.port), state], {
      execArgv: process.execArgv,
    })
  const kill = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const first = start()
  await produceKeys(client, 'key', keys)
  while ((await ask(first)).processed < keys);
  // Something is always under way when it is killed.
  await produceKeys(client, 'key', keys / 100)
  await kill(first)

  const again = await firstResult(client, start, 'new-1')
  report('kill -9 to first new result', again.ms, 'ms')
  report('kill -9, records restored', again.told.restored, 'records')
  await kill(again.child)

  // Its identity stays, or the group would wait for the old one first.
  rmSync(join(state, 'tasks'), { recursive: true })
  const wiped = await firstResult(client, start, 'new-2')
  const { restored, restoreMs } = wiped.told
  report('state lost to first new result', wiped.ms, 'ms')
  report('state lost, records restored', restored, 'records')
  report('state lost, restoring', (restored / restoreMs) * 1000, 'records/s')
  await kill(wiped.child)
  report('reading the changelog', await readingRate(client), 'records/s')

  await client.close()
  await broker.close()
  rmSync(folder, { recursive: true })
}

async function ask(child: ChildProcess): Promise<Told> {
  child.send('how far?')
  const [told]: Told[] = await once(child, 'message')
  if (told === undefined) throw new Error('The application did not answer.')
  await new Promise(resolve => setTimeout(resolve, 100))
  return told
}

async function produceKeys(client: LogClient, prefix: string, count: number): Promise<void> {
  const producer = await client.producer()
  const perBatch = 10_000
  for (let done = 0; done < count; done += perBatch) {
    const builders = Array.from({ length: partitions }, () => new RecordBatchBuilder())
    for (let i = done; i < Math.min(count, done + perBatch); i++) {
      builders[i % partitions]?.append(Buffer.from(`${prefix}-${i}`), Buffer.from('x'), i, [])
    }
    const batches = builders.flatMap((builder, partition) =>
      builder.recordCount > 0 ? [{ topic: 'in', partition, batch: builder.build() }] : [],
    )
    await producer.send(batches)
  }
  await producer.close()
}

/** Starts the application and waits until it has counted a new key. */
async function firstResult(
  client: LogClient,
  start: () => ChildProcess,
  key: string,
): Promise<{ child: ChildProcess; ms: number; told: Told }> {
  await produceKeys(client, key, 1)
  const out = { topic: 'out', partition: 0 }
  const consumer = client.consumer({ isolation: 'readCommitted' })
  consumer.assign(await client.listOffsets([out], 'latest'))
  const begun = performance.now()
  const child = start()
  while ((await consumer.poll(1000)).length === 0);
  const ms = performance.now() - begun
  await consumer.close()
  return { child, ms, told: await ask(child) }
}

/** Of a consumer that does nothing with it. */
async function readingRate(client: LogClient): Promise<number> {
  const changelog = Array.from({ length: partitions }, (_, partition) => ({
    topic: 'restart-counts-changelog',
    partition,
  }))
  const ends = await client.listOffsets(changelog, 'latest')
  const consumer = client.consumer({ isolation: 'readCommitted' })
  const begun = performance.now()
  consumer.assign(await client.listOffsets(changelog, 'earliest'))
  while (!ends.every(end => consumer.position(end) >= end.offset)) await consumer.poll(1000)
  const total = ends.reduce((sum, { offset }) => sum + offset, 0)
  const rate = perSecond(total, begun)
  await consumer.close()
  return rate
}
