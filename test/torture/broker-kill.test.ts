/**
 * The broker is killed again and again, at random points, under producers that want every write acknowledged by all
 * replicas. What was acknowledged must be read back, in order, once, and an offset must never have shown two values.
 *
 * A killed process does not tear what the system has taken; a power loss does. So after some of the kills the log ends in
 * the beginning of a batch, as after a write of which only a part reached the device.
 *
 * Replay a run with its seed: MILLRACE_SEED=<seed> npx vitest run test/torture/broker-kill.test.ts
 */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import type { Connection } from '../../src/client/connection.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import * as recordBatch from '../../src/protocol/record-batch.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts'

const KILLS = 20
const PARTITIONS = 3
const TOPIC = 'tortured'

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const data = mkdtempSync(join(tmpdir(), 'millrace-torture-'))
let broker: BrokerProcess | undefined

afterAll(async () => {
  await broker?.kill()
  rmSync(data, { recursive: true, force: true })
})

/** Small and seeded (mulberry32): decides how much is written between kills, and which tails are torn where. */
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

/** Value and offset of every record of a partition, as a reader who follows it sees them. */
async function readPartition(
  connection: Connection,
  topicId: string,
  partition: number,
): Promise<{ offset: number; value: string }[]> {
  const records: { offset: number; value: string }[] = []
  const reader = new RecordReader()
  for (let fetchOffset = 0; ;) {
    const { responses } = await connection.request(fetch, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      topics: [{ topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
    })
    const answer = responses[0]?.partitions[0]
    expect(answer?.errorCode).toBe(0)
    if (fetchOffset >= (answer?.highWatermark ?? 0)) return records
    reader.reset(answer?.records ?? Buffer.alloc(0))
    while (reader.next()) {
      if (reader.offset < fetchOffset) continue
      records.push({ offset: reader.offset, value: reader.value?.toString() ?? '' })
      fetchOffset = reader.offset + 1
    }
  }
}

test(
  `acknowledged records survive ${KILLS} kills of the broker`,
  { timeout: 300_000 },
  async () => {
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

    async function look(): Promise<void> {
      const connection = await connector({ host: '127.0.0.1', port })
      try {
        const { topics } = await connection.request(metadata, { topics: [{ name: TOPIC }] })
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const known = shown[partition]
          const records = await readPartition(connection, topics[0]?.topicId ?? '', partition)
          for (const [index, { offset, value }] of records.entries()) {
            expect(offset, 'no gaps').toBe(index)
            expect(known?.get(offset) ?? value, `partition ${partition} offset ${offset}`).toBe(
              value,
            )
            known?.set(offset, value)
          }
        }
      } finally {
        await connection.close()
      }
    }

    async function newProducer(): Promise<Producer> {
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: Partitioners.DefaultPartitioner,
      })
      producers++
      await producer.connect()
      return producer
    }

    /** One writer per partition: the next records are sent when the ones before are acknowledged. */
    const stopping = new AbortController()
    let next = 0
    async function write(partition: number): Promise<void> {
      let producer = await newProducer()
      while (!stopping.signal.aborted) {
        const messages = Array.from({ length: 1 + Math.floor(random() * 5) }, () => ({
          partition,
          value: `${partition}:${next++}${'.'.repeat(Math.floor(random() * 2000))}`,
        }))
        try {
          await producer.send({ topic: TOPIC, acks: -1, messages })
          acknowledged[partition]?.push(...messages.map(({ value }) => value))
        } catch {
          // Nobody knows whether these were written. A producer that gave up has lost count: another one goes on.
          await producer.disconnect().catch(() => {})
          producer = await newProducer()
        }
      }
      await producer.disconnect()
    }

    const writers = Array.from({ length: PARTITIONS }, (_, partition) => write(partition))
    const total = (): number => acknowledged.reduce((sum, values) => sum + values.length, 0)
    try {
      while (kills < KILLS) {
        // Until a seeded number of records more is acknowledged, and then somewhere within the next writes.
        const target = total() + 5 + Math.floor(random() * 120)
        while (total() < target) await new Promise(done => setImmediate(done))
        for (let turns = Math.floor(random() * 200); turns > 0; turns--) {
          await new Promise(done => setImmediate(done))
        }
        await look()
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
    await Promise.all(writers)
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
