/**
 * Ten thousand hostile frames to `millrace broker` over TCP, from many connections at once, while an honest client
 * produces and reads: it loses nothing, the process stays within its memory, reports no error, and what it holds can be
 * read after `kill -9`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { batchOf, valuesOf } from '../client/records.ts'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'
import { hostileFrame } from './mutations.ts'
import { requestPool } from './request-pool.ts'

const FRAMES = 10_000
const CONNECTIONS = 64
/** Of frames that are never answered there are some hundreds. */
const PATIENCE_MS = 500
const MEBIBYTE = 1024 * 1024

const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const data = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
let broker: BrokerProcess | undefined

afterAll(async () => {
  await broker?.kill()
  rmSync(data, { recursive: true, force: true })
})

const topic = 'honest'

function portOf({ bootstrap }: BrokerProcess): number {
  return Number(bootstrap.split(':')[1])
}

function client(to: BrokerProcess): LogClient {
  const platform = nodePlatform()
  const connector = wireConnector(platform, { clientId: 'honest' })
  return createLogClient({
    platform,
    bootstrap: [{ host: '127.0.0.1', port: portOf(to) }],
    connector,
  })
}

/** Opens a connection, sends the bytes, and goes away at the first sign of an answer, of an end, or of neither. */
function attack(
  port: number,
  bytes: Buffer,
  patienceMs: number,
): Promise<'answered' | 'closed' | 'silent'> {
  return new Promise(resolve => {
    const socket = connectTo({ host: '127.0.0.1', port })
    const over = (how: 'answered' | 'closed' | 'silent'): void => {
      socket.destroy()
      resolve(how)
    }
    socket.on('connect', () => socket.write(bytes))
    socket.setTimeout(patienceMs)
    socket.on('timeout', () => over('silent'))
    socket.on('data', () => over('answered'))
    socket.on('error', () => over('closed'))
    socket.on('close', () => over('closed'))
  })
}

/** Most memory that the process had at any time. */
function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

async function readAll(from: LogClient, upTo: number): Promise<string[]> {
  const consumer = from.consumer()
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  const values: string[] = []
  while (values.length < upTo) {
    for (const { batches, offset } of await consumer.poll(1_000)) {
      values.push(...valuesOf(batches, offset))
    }
  }
  await consumer.close()
  return values
}

test(`bears ${FRAMES} hostile frames over sockets`, { timeout: 300_000 }, async () => {
  process.stdout.write(`MILLRACE_SEED=${seed}\n`)
  broker = await startBrokerProcess(data, 0)
  const { pid } = broker
  const port = portOf(broker)
  const idleBytes = peakBytes(pid)
  const honest = client(broker)
  await honest.createTopics([{ name: topic, partitions: 1 }])

  const over = new AbortController()
  const acknowledged: string[] = []
  async function produce(): Promise<void> {
    const producer = await honest.producer()
    while (!over.signal.aborted) {
      const value = `value ${acknowledged.length}`
      await producer.send([{ topic, partition: 0, batch: batchOf([value], Date.now()) }])
      acknowledged.push(value)
    }
    await producer.close()
  }
  async function follow(): Promise<void> {
    let read = 0
    const consumer = honest.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    while (!over.signal.aborted || read < acknowledged.length) {
      for (const { batches, offset } of await consumer.poll(100)) {
        for (const value of valuesOf(batches, offset)) expect(value).toBe(`value ${read++}`)
      }
    }
    await consumer.close()
  }
  const working = Promise.all([produce(), follow()])

  const pool = requestPool(seed)
  const outcomes = { answered: 0, closed: 0, silent: 0 }
  const frames = { sent: 0 }
  async function attacker(number: number): Promise<void> {
    const random = seededRandom(seed, `attacker ${number}`)
    while (frames.sent < FRAMES) {
      const piece = Array.from({ length: 1 + random.below(3) }, () =>
        hostileFrame(random, pool, ++frames.sent),
      )
      outcomes[await attack(port, Buffer.concat(piece), PATIENCE_MS)] += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => attacker(number)))
  over.abort()
  await working

  expect(acknowledged.length).toBeGreaterThan(20)
  expect(outcomes.answered).toBeGreaterThan(FRAMES / 50)
  expect(outcomes.closed).toBeGreaterThan(FRAMES / 50)
  const grownBytes = peakBytes(pid) - idleBytes
  expect(grownBytes, 'bytes above an idle broker').toBeLessThan(256 * MEBIBYTE)
  const errors = broker.log.filter(line => line.includes('"level":"error"'))
  expect(errors).toEqual([])
  await honest.close()

  await broker.kill()
  broker = await startBrokerProcess(data, 0)
  const late = client(broker)
  expect(await readAll(late, acknowledged.length)).toEqual(acknowledged)
  await late.close()
  expect(broker.log.filter(line => line.includes('"level":"error"'))).toEqual([])
  process.stdout.write(
    `seed ${seed}: ${frames.sent} frames, ${JSON.stringify(outcomes)}, ${acknowledged.length} honest records, ` +
      `${Math.round(grownBytes / MEBIBYTE)} MiB above idle\n`,
  )
})
