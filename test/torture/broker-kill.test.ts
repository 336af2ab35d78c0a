/**
 * The broker is killed again and again, at random points, under idempotent producers of two libraries that want every
 * write acknowledged by all replicas and under readers that follow them. What was acknowledged must be read back, in
 * order, once. What a reader saw at an offset, at whatever moment, must be there whenever the offset is read again:
 * nothing else, and not nothing.
 *
 * A killed process does not tear what the system has taken; a power loss does. So after some of the kills the log ends in
 * the beginning of a batch, as after a write of which only a part reached the device.
 *
 * The seed decides what is written, after how much of it the broker is killed, and which tails are torn where; two
 * processes on one machine decide the rest. Try a run's seed again:
 * MILLRACE_SEED=<seed> npx vitest run test/torture/broker-kill.test.ts
 */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as platformatic from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import type { Connection } from '../../src/client/connection.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import * as recordBatch from '../../src/protocol/record-batch.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts'

const KILLS = 20
const PARTITIONS = 4
const TOPIC = 'tortured'

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const data = mkdtempSync(join(tmpdir(), 'millrace-torture-'))
let broker: BrokerProcess | undefined

afterAll(async () => {
  await broker?.kill()
  rmSync(data, { recursive: true, force: true })
})

/** Small and seeded (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Leaves the first part of a batch behind the last one of a partition; false when there is no batch yet. */
function tearTail(partition: number, random: () => number): boolean {
  const folder = join(data, 'logs', `${TOPIC}-${partition}`)
  const newest = readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .sort()
    .at(-1)
  if (newest === undefined) return false
  const path = join(folder, newest)
  const log = readFileSync(path)
  if (log.length === 0) return false
  const batch = log.subarray(0, recordBatch.sizeInBytes(log))
  appendFileSync(path, batch.subarray(0, 1 + Math.floor(random() * (batch.length - 1))))
  return true
}

/** An idempotent producer of one of two libraries; what goes wrong is thrown. */
interface IdempotentProducer {
  send(partition: number, values: readonly string[]): Promise<void>
  close(): Promise<void>
}

async function withKafkajs(kafka: Kafka): Promise<IdempotentProducer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  return {
    async send(partition, values) {
      const messages = values.map(value => ({ partition, value }))
      await producer.send({ topic: TOPIC, acks: -1, messages })
    },
    close: () => producer.disconnect(),
  }
}

function withPlatformatic(bootstrap: string): IdempotentProducer {
  const producer = new platformatic.Producer({
    clientId: 'torture',
    bootstrapBrokers: [bootstrap],
    serializers: platformatic.stringSerializers,
    idempotent: true,
    acks: -1,
    retries: 50,
    retryDelay: 50,
    connectTimeout: 1_000,
    timeout: 5_000,
  })
  return {
    async send(partition, values) {
      const messages = values.map(value => ({ topic: TOPIC, partition, key: 'key', value }))
      await producer.send({ messages })
    },
    close: () => producer.close(true),
  }
}

type See = (partition: number, offset: number, value: string) => void

/** Fetches once from an offset, shows what comes to `see`, and returns the offset to go on from. */
async function readOn(
  connection: Connection,
  where: { topicId: string; partition: number; fetchOffset: number; maxWaitMs: number },
  see: See,
): Promise<{ next: number; highWatermark: number }> {
  const { topicId, partition, fetchOffset, maxWaitMs } = where
  const { responses } = await connection.request(fetch, {
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    topics: [{ topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
  })
  const answer = responses[0]?.partitions[0]
  // Also for somebody who had read up to the end: what was seen is not taken back.
  expect(answer?.errorCode, `partition ${partition} from offset ${fetchOffset}`).toBe(0)
  const reader = new RecordReader()
  reader.reset(answer?.records ?? Buffer.alloc(0))
  let next = fetchOffset
  while (reader.next()) {
    if (reader.offset < fetchOffset) continue
    expect(reader.offset, 'no gaps').toBe(next)
    see(partition, next++, reader.value?.toString() ?? '')
  }
  return { next, highWatermark: answer?.highWatermark ?? 0 }
}

test(
  `acknowledged records survive ${KILLS} kills of the broker`,
  { timeout: 300_000 },
  async () => {
    process.stdout.write(`MILLRACE_SEED=${seed}\n`)
    const random = randomFrom(seed)
    broker = await startBrokerProcess(data, 0)
    const port = Number(broker.bootstrap.split(':')[1])
    const connector = wireConnector(nodePlatform(), { clientId: 'torture' })
    /** What each partition has shown at each offset, over all runs of the broker. */
    const shown = Array.from({ length: PARTITIONS }, () => new Map<number, string>())
    /** What was acknowledged, in the order of sending, by partition. */
    const acknowledged: string[][] = Array.from({ length: PARTITIONS }, () => [])
    let tailsTorn = 0
    let tailsCut = 0
    let kills = 0
    let producers = 0

    const kafka = new Kafka({
      brokers: [broker.bootstrap],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      retry: { initialRetryTime: 30, maxRetryTime: 200, retries: 50 },
    })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] })
    await admin.disconnect()

    const connection = await connector({ host: '127.0.0.1', port })
    const { topics } = await connection.request(metadata, { topics: [{ name: TOPIC }] })
    await connection.close()
    const topicId = topics[0]?.topicId ?? ''

    const see: See = (partition, offset, value) => {
      const known = shown[partition]
      expect(known?.get(offset) ?? value, `partition ${partition} offset ${offset}`).toBe(value)
      known?.set(offset, value)
    }

    /** Reads everything from the start. */
    async function look(): Promise<void> {
      const connection = await connector({ host: '127.0.0.1', port })
      try {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          for (let fetchOffset = 0; ;) {
            const where = { topicId, partition, fetchOffset, maxWaitMs: 0 }
            const { next, highWatermark } = await readOn(connection, where, see)
            if (next >= highWatermark) break
            fetchOffset = next
          }
        }
      } finally {
        await connection.close()
      }
    }

    /** Reads what is written as soon as it is shown, over all runs of the broker. */
    async function follow(partition: number): Promise<void> {
      let fetchOffset = 0
      while (!stopping.signal.aborted) {
        try {
          const connection = await connector({ host: '127.0.0.1', port })
          try {
            while (!stopping.signal.aborted) {
              const where = { topicId, partition, fetchOffset, maxWaitMs: 100 }
              fetchOffset = (await readOn(connection, where, see)).next
            }
          } finally {
            await connection.close()
          }
        } catch (error) {
          // The broker was killed; any other error is what this test is for.
          if (!(error instanceof MillraceError && error.code.startsWith('CONNECTION_'))) throw error
          await new Promise(done => setImmediate(done))
        }
      }
    }

    async function newProducer(partition: number): Promise<IdempotentProducer> {
      producers++
      return partition % 2 === 0 ? withKafkajs(kafka) : withPlatformatic(`127.0.0.1:${port}`)
    }

    /** One writer per partition: the next records are sent when the ones before are acknowledged. */
    const stopping = new AbortController()
    let next = 0
    async function write(partition: number): Promise<void> {
      const random = randomFrom(seed + 1 + partition)
      let producer = await newProducer(partition)
      while (!stopping.signal.aborted) {
        const values = Array.from(
          { length: 1 + Math.floor(random() * 5) },
          () => `${partition}:${next++}${'.'.repeat(Math.floor(random() * 2000))}`,
        )
        try {
          await producer.send(partition, values)
          acknowledged[partition]?.push(...values)
        } catch {
          // Nobody knows whether these were written. A producer that gave up has lost count: another one goes on.
          await producer.close().catch(() => {})
          producer = await newProducer(partition)
        }
      }
      await producer.close()
    }

    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    const atWork = Promise.all([...partitions.map(write), ...partitions.map(follow)])
    atWork.catch(() => stopping.abort())
    const total = (): number => acknowledged.reduce((sum, values) => sum + values.length, 0)
    try {
      while (kills < KILLS && !stopping.signal.aborted) {
        // Until a seeded number of records more is acknowledged, and then somewhere within the next writes.
        const target = total() + 5 + Math.floor(random() * 120)
        while (total() < target && !stopping.signal.aborted) {
          await new Promise(done => setImmediate(done))
        }
        for (let turns = Math.floor(random() * 200); turns > 0; turns--) {
          await new Promise(done => setImmediate(done))
        }
        await broker.kill()
        kills++
        for (let partition = 0; partition < PARTITIONS; partition++) {
          if (random() < 0.3 && tearTail(partition, random)) tailsTorn++
        }
        broker = await startBrokerProcess(data, port)
        tailsCut += broker.log.filter(line => line.includes('is torn')).length
        await look()
      }
    } finally {
      stopping.abort()
    }
    await atWork
    await look()

    for (const [partition, values] of acknowledged.entries()) {
      const stored = [...(shown[partition]?.values() ?? [])]
      const wanted = new Set(values)
      expect(stored.filter(value => wanted.has(value))).toEqual(values)
      expect(new Set(stored).size, 'nothing twice').toBe(stored.length)
    }
    expect(kills).toBe(KILLS)
    expect(tailsTorn).toBeGreaterThan(0)
    expect(tailsCut).toBe(tailsTorn)
    process.stdout.write(
      `seed ${seed}: ${total()} records acknowledged to ${producers} producers, ${kills} kills, ${tailsTorn} tails torn, ${tailsCut} cut\n`,
    )
  },
)
