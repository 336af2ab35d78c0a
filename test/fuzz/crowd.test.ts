/**
 * Crowds of hostile connections to `millrace broker`, beside a client that works: those that announce what they never
 * send, that send half of it, that ask and never read, that come and go. The client is served all the while, and the
 * memory of the process stays within bounds.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogProducer } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { encodeRequest } from '../../src/protocol/frame.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { batchOf } from '../client/records.ts'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'

const MEBIBYTE = 1024 * 1024
const data = mkdtempSync(join(tmpdir(), 'millrace-crowd-'))
const sockets: Socket[] = []
let broker: BrokerProcess | undefined

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await broker?.kill()
  rmSync(data, { recursive: true, force: true })
})

function memory(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024
}

/** A connection that sends this and reads nothing; resolves when it is open. */
function hostile(port: number, bytes: Buffer): Promise<Socket> {
  return new Promise(resolve => {
    const socket = connectTo({ host: '127.0.0.1', port })
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('connect', () => {
      socket.pause()
      socket.write(bytes)
      resolve(socket)
    })
    socket.on('close', () => resolve(socket))
  })
}

const crowd = (size: number, port: number, bytes: Buffer): Promise<Socket[]> =>
  Promise.all(Array.from({ length: size }, () => hostile(port, bytes)))

function announcing(announcedBytes: number, sentBytes: number): Buffer {
  const bytes = Buffer.alloc(sentBytes)
  bytes.writeInt32BE(announcedBytes, 0)
  return bytes
}

const greedyFetch = encodeRequest(
  fetch,
  12,
  { correlationId: 1, clientId: 'crowd' },
  {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 2147483647,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: 'work',
        partitions: [
          { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0, partitionMaxBytes: 2147483647 },
        ],
      },
    ],
    forgottenTopicsData: [],
  },
)

test('crowds take neither the memory nor the service of others', async () => {
  broker = await startBrokerProcess(data, 0)
  const port = Number(broker.bootstrap.split(':')[1])
  const platform = nodePlatform()
  await using client = createLogClient({
    platform,
    bootstrap: [{ host: '127.0.0.1', port }],
    connector: wireConnector(platform, { clientId: 'worker' }),
  })
  await client.createTopics([{ name: 'work', partitions: 1 }])
  const producer = await client.producer()
  for (let n = 0; n < 60; n++) await work(producer, 900_000)
  const idleBytes = memory(broker.pid, 'VmRSS')

  await crowd(300, port, announcing(2147483647, 8))
  await work(producer, 1000)
  await crowd(300, port, announcing(90 * MEBIBYTE, MEBIBYTE))
  for (let n = 0; n < 20; n++) await work(producer, 100_000)
  await crowd(60, port, Buffer.concat(Array.from({ length: 1000 }, () => greedyFetch)))
  for (let n = 0; n < 20; n++) await work(producer, 1000)
  for (let n = 0; n < 20; n++) {
    for (const socket of await crowd(50, port, Buffer.of(0))) socket.destroy()
  }
  for (let n = 0; n < 20; n++) await work(producer, 1000)

  const consumer = client.consumer()
  const [end] = await client.listOffsets([{ topic: 'work', partition: 0 }], 'latest')
  consumer.assign([{ topic: 'work', partition: 0, offset: 0 }])
  while (consumer.position({ topic: 'work', partition: 0 }) < (end?.offset ?? 0)) {
    await consumer.poll(1000)
  }
  expect(end?.offset).toBe(121)
  const grown = memory(broker.pid, 'VmHWM') - idleBytes
  process.stdout.write(`${Math.round(grown / MEBIBYTE)} MiB above idle\n`)
  // What may wait is 128 MiB each of requests and responses, and one frame; garbage on its way out comes on top. Without
  // limits it would be 300 MiB of requests and 60 responses of 54 MiB.
  expect(grown).toBeLessThan(768 * MEBIBYTE)
  expect(broker.log.filter(line => line.includes('"level":"error"'))).toEqual([])
})

async function work(producer: LogProducer, bytes: number): Promise<void> {
  const batch = batchOf(['v'.repeat(bytes)])
  await producer.send([{ topic: 'work', partition: 0, batch }])
}
