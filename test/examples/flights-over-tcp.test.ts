import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { createLogClient, nodePlatform, startApplication, wireConnector } from 'millrace'
import { type RunningBroker, startBroker } from 'millrace/broker'
import { afterEach, beforeEach, expect, test } from 'vitest'
import app, { DayOfDelays, type Delays } from '../../examples/flights/app.ts'
import { load } from '../../examples/flights/load.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { startMillrace } from '../cli/millrace.ts'
import { type Delays as CityDelays, cityDay, naiveFold } from './naive-fold.ts'

/**
 * The flights app as a process of its own against a broker over TCP: undisturbed, stopped cleanly in the middle, killed in
 * the middle. The middle is certain: half of the flights are written only after the process has ended.
 */
let folder: string
let broker: RunningBroker
let client: LogClient

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-flights-'))
  broker = await startBroker({ data: join(folder, 'log') })
  const platform = nodePlatform()
  const connector = wireConnector(platform, { clientId: 'test' })
  client = createLogClient({ platform, bootstrap: [broker.address], connector })
})

afterEach(async () => {
  await client.close()
  await broker.close()
  rmSync(folder, { recursive: true })
})

const output = 'delays-by-city'
const partitionsOf = (topic: string) => [0, 1, 2, 3].map(partition => ({ topic, partition }))
const sum = (offsets: readonly { offset: number }[]): number =>
  offsets.reduce((total, { offset }) => total + offset, 0)

const kafka = () => new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })

/** Writes all rows, or the rows that are missing, but none after `half` of them. */
async function loadFlights({ half }: { half: boolean }): Promise<void> {
  const stop = new AbortController()
  const progress = (loaded: number, total: number): void => {
    if (half && loaded >= total / 2) stop.abort()
  }
  await load(kafka(), progress, stop.signal)
}

const runApp = () =>
  startMillrace(
    'run',
    'examples/flights/app.ts',
    '--brokers',
    broker.bootstrap,
    '--state',
    join(folder, 'state'),
  )

/** Resolves once the app has committed everything that `flights` holds now, or at least something of it. */
async function untilCommitted({ everything }: { everything: boolean }): Promise<void> {
  const partitions = partitionsOf('flights')
  const ends = await client.listOffsets(partitions, 'latest')
  const wanted = everything ? sum(ends) : 1
  const results = client.consumer()
  results.assign(partitionsOf(output).map(partition => ({ ...partition, offset: 0 })))
  while (sum(await client.committedOffsets(app.name, partitions)) < wanted) await results.poll(100)
  await results.close()
}

/** Finishes the work in this process, on the state folder of the processes before, and returns what the store holds. */
async function finish(): Promise<Map<string, CityDelays>> {
  await using application = await startApplication(app, {
    client,
    stateFolder: join(folder, 'state', app.name, 'worker-1'),
  })
  await application.untilEnd()
  const results = new Map<string, CityDelays>()
  for await (const { key, windowStart, value } of application.store<Delays>('delays').all()) {
    results.set(cityDay(key, windowStart), value)
  }
  return results
}

/** The last value of each key of a topic, of which the last `trailer` bytes are the window. */
async function foldTopic(topic: string, trailer: number): Promise<Map<string, CityDelays>> {
  const partitions = partitionsOf(topic)
  const ends = await client.listOffsets(partitions, 'latest')
  const consumer = client.consumer({ isolation: 'readCommitted' })
  consumer.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
  const results = new Map<string, CityDelays>()
  const reader = new RecordReader()
  while (ends.some(end => consumer.position(end) < end.offset)) {
    for (const { batches } of await consumer.poll(1000)) {
      reader.reset(batches)
      while (reader.next()) {
        const { key, value, isControl } = reader
        if (isControl) continue
        if (key === null) throw new Error(`a record of ${topic} has no key`)
        const at = key.length - trailer
        const windowed = cityDay(key.subarray(0, at).toString(), Number(key.readBigInt64BE(at)))
        if (value === null) results.delete(windowed)
        else results.set(windowed, DayOfDelays.parse(JSON.parse(value.toString())))
      }
    }
  }
  await consumer.close()
  return results
}

/** Windowed keys end with the start of the window, in a changelog also with a sequence number. */
const foldOutput = () => foldTopic(output, 8)
const foldChangelog = () => foldTopic('flight-delays-delays-changelog', 12)

test('undisturbed: every (city, day) equals the naive fold', async () => {
  await loadFlights({ half: false })
  const app = runApp()
  await untilCommitted({ everything: true })
  expect(await app.stop('SIGTERM')).toBe(0)
  expect(await finish()).toEqual(naiveFold())
  expect(await foldOutput()).toEqual(naiveFold())
})

test('after a clean stop in the middle every (city, day) equals the naive fold', async () => {
  await loadFlights({ half: true })
  const first = runApp()
  await untilCommitted({ everything: false })
  expect(await first.stop('SIGTERM')).toBe(0)
  expect(await foldOutput()).not.toEqual(naiveFold())
  await loadFlights({ half: false })
  expect(await finish()).toEqual(naiveFold())
  expect(await foldOutput()).toEqual(naiveFold())
})

test('after kill -9 in the middle every (city, day) equals the naive fold, and the store is its changelog', async () => {
  await loadFlights({ half: true })
  const first = runApp()
  await untilCommitted({ everything: false })
  expect(await first.stop('SIGKILL')).toBeNull()
  await loadFlights({ half: false })
  const results = await finish()
  expect(results).toEqual(naiveFold())
  expect(await foldChangelog()).toEqual(results)
  expect(await foldOutput()).toEqual(results)
})
