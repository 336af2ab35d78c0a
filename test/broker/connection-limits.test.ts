/** What one client takes too much of or too long for costs that client its connection, and nobody else anything. */
import { connect as connectSocket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BrokerConfig, type RunningBroker, startBroker } from '../../src/broker/index.ts'
import type { Logger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { encodeRequest } from '../../src/protocol/frame.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { saslAuthenticate } from '../../src/protocol/messages/36-sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/messages/17-sasl-handshake.ts'
import { alterClientQuotas } from '../../src/protocol/messages/49-alter-client-quotas.ts'
import { Peer } from './peer.ts'
import { createTopic, produceFrame } from './produce-requests.ts'

const CHECK_MS = 1000
/** After which the end of the broker cuts connections. */
const END_MS = 5000

/** Node's platform with a clock of its own for what connections take too long for. */
class Time {
  readonly platform: Platform
  private nowMs = 0
  private checks: (() => void)[] = []

  constructor() {
    const node = nodePlatform()
    const { timers, clock } = node
    const schedule: Platform['timers']['schedule'] = (delayMs, callback) => {
      if (delayMs !== CHECK_MS) return timers.schedule(delayMs, callback)
      this.checks.push(callback)
      return { cancel() {} }
    }
    this.platform = {
      ...node,
      timers: { schedule, yield: () => timers.yield() },
      clock: { now: () => clock.now(), monotonic: () => this.nowMs, bootId: clock.bootId },
    }
  }

  /** Lets time pass second by second, as connections see it. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= CHECK_MS) {
      this.nowMs += CHECK_MS
      for (const check of this.checks.splice(0)) check()
    }
  }
}

let time: Time
let log: string[]
let broker: RunningBroker
const peers: Peer[] = []
const logger: Logger = {
  debug() {},
  info() {},
  warn: (_, message) => void log.push(`warn: ${message}`),
  error: (_, message) => void log.push(`error: ${message}`),
}

async function start(config: Partial<BrokerConfig>): Promise<void> {
  broker = await startBroker({ config, logger, platform: time.platform })
}

async function connect(): Promise<Peer> {
  const peer = await Peer.open(broker.address)
  peers.push(peer)
  return peer
}

const isAlive = async (peer: Peer): Promise<boolean> =>
  (await peer.ask(apiVersions, 0, {})).errorCode === 0

/** A connection that is served: the broker knows it by now. */
async function served(): Promise<Peer> {
  const peer = await connect()
  expect(await isAlive(peer)).toBe(true)
  return peer
}

beforeEach(() => {
  time = new Time()
  log = []
})

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
  await broker.close()
})

describe('connections', () => {
  test('more than maxConnectionsPerIp from one address are refused until one is closed', async () => {
    await start({ maxConnectionsPerIp: 2 })
    const first = await served()
    const second = await served()
    const refused = await connect()
    await refused.closed
    expect(log).toEqual([expect.stringMatching(/as many as maxConnectionsPerIp allows/)])
    expect(await isAlive(second)).toBe(true)
    await first.close()
    // The broker learns of it in its own time.
    let third = await connect()
    while (!(await Promise.race([isAlive(third), third.closed.then(() => false)]))) {
      third = await connect()
    }
  })

  test('what is idle for connectionsMaxIdleMs is closed, what is used is not', async () => {
    await start({ connectionsMaxIdleMs: 10_000 })
    const idle = await served()
    const used = await served()
    time.pass(6000)
    expect(await isAlive(used)).toBe(true)
    time.pass(6000)
    await idle.closed
    expect(await isAlive(used)).toBe(true)
    expect(log).toEqual([])
  })

  test('who does not leave after a failed login is cut', async () => {
    broker = await startBroker({
      platform: time.platform,
      listeners: [{ name: 'SASL', sasl: ['PLAIN'] }],
      config: { connectionFailedAuthenticationDelayMs: 0 },
    })
    const { host, port } = broker.address
    const socket = connectSocket({ host, port, allowHalfOpen: true })
    const ended = new Promise<void>(resolve => socket.once('end', () => resolve()))
    const peer = new Peer(socket)
    peers.push(peer)
    await peer.ask(saslHandshake, 1, { mechanism: 'PLAIN' })
    await peer.ask(saslAuthenticate, 2, { authBytes: Buffer.from('\0alice\0wrong') })
    await ended
    const count = (): string | undefined =>
      /connection_count\{listener="SASL"\} (\d+)/.exec(broker.metrics())?.[1]
    expect(count()).toBe('1')
    time.pass(5000)
    // The broker learns of the end in its own time.
    while (count() !== '0') await new Promise(resolve => setImmediate(resolve))
  })

  test('a client that is not listened to does not hold up the end of the broker', async () => {
    const { timers } = time.platform
    const schedule: typeof timers.schedule = (delayMs, callback) =>
      delayMs === END_MS ? { cancel() {} } : timers.schedule(delayMs, callback)
    const yieldTimers = { schedule, yield: () => timers.yield() }
    broker = await startBroker({ platform: { ...time.platform, timers: yieldTimers } })
    const peer = await served()
    await createTopic(peer, 't')
    const quota = { key: 'producer_byte_rate', value: 1, remove: false }
    const entity = [{ entityType: 'client-id', entityName: null }]
    const entries = [{ entity, ops: [quota] }]
    await peer.ask(alterClientQuotas, 1, { entries, validateOnly: false })
    peer.socket.write(produceFrame({ correlationId: 1, topic: 't' }))
    await peer.next()
    // The broker has it and does not look at it.
    peer.socket.write(encodeRequest(apiVersions, 0, { correlationId: 1, clientId: 'peer' }, {}))
    const other = await served()
    for (let round = 0; round < 20; round++) expect(await isAlive(other)).toBe(true)
    // Its connections are never cut: all of them end in order.
    await broker.close()
  })

  test('a fetch that waits for records is not idle', async () => {
    await start({ connectionsMaxIdleMs: 5000 })
    const peer = await served()
    await createTopic(peer, 't')
    peer.socket.write(fetchFrame(2))
    const other = await served()
    time.pass(4000)
    expect(await isAlive(other)).toBe(true)
    time.pass(4000)
    other.socket.write(produceFrame({ correlationId: 1, topic: 't' }))
    await other.next()
    expect((await peer.next()).readInt32BE(0)).toBe(2)
  })
})

const fetchFrame = (correlationId: number): Buffer =>
  encodeRequest(
    fetch,
    12,
    { correlationId, clientId: 'peer' },
    {
      replicaId: -1,
      maxWaitMs: 60_000,
      minBytes: 1,
      maxBytes: 100_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: 't',
          partitions: [
            {
              partition: 0,
              currentLeaderEpoch: -1,
              fetchOffset: 0,
              partitionMaxBytes: 100_000_000,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
    },
  )

describe('unfinished requests', () => {
  test('a request of which the rest does not come closes its connection', async () => {
    await start({ requestReceiveTimeoutMs: 10_000 })
    const slow = await served()
    const other = await served()
    slow.socket.write(Buffer.from('00001000', 'hex'))
    await roundTrips(other)
    time.pass(6000)
    // A byte now and then does not help.
    slow.socket.write(Buffer.of(0))
    await roundTrips(other)
    time.pass(6000)
    await slow.closed
    expect(await isAlive(other)).toBe(true)
    expect(log).toEqual([expect.stringMatching(/the rest of a request did not come/)])
  })

  test('many that are slow but come to an end are all served', async () => {
    await start({ requestReceiveTimeoutMs: 10_000 })
    const peer = await served()
    const other = await served()
    for (let id = 0; id < 5; id++) {
      const frame = encodeRequest(
        metadata,
        4,
        { correlationId: id, clientId: null },
        { topics: [] },
      )
      peer.socket.write(frame.subarray(0, 7))
      await roundTrips(other)
      time.pass(6000)
      peer.socket.write(frame.subarray(7))
      expect((await peer.next()).readInt32BE(0)).toBe(id)
    }
    expect(log).toEqual([])
  })

  test('those of a hostile crowd do not take the memory that others need', async () => {
    const MIB = 1024 * 1024
    await start({ queuedMaxRequestBytes: 4 * MIB, requestReceiveTimeoutMs: 10_000 })
    const worker = await served()
    await createTopic(worker, 't')
    const crowd = await Promise.all(Array.from({ length: 20 }, connect))
    const announced = Buffer.alloc(MIB)
    announced.writeInt32BE(50 * MIB, 0)
    for (const peer of crowd) peer.socket.write(announced)
    for (let id = 0; id < 50; id++) {
      worker.socket.write(
        produceFrame({ correlationId: id, topic: 't', value: Buffer.alloc(20_000) }),
      )
      expect((await worker.next()).readInt32BE(0)).toBe(id)
    }
    time.pass(12_000)
    time.pass(12_000)
    await Promise.all(crowd.map(peer => peer.closed))
    const large = produceFrame({ correlationId: 99, topic: 't', value: Buffer.alloc(900_000) })
    worker.socket.write(large)
    expect((await worker.next()).readInt32BE(0)).toBe(99)
  })
})

describe('responses that nobody reads', () => {
  test('take no more than queuedMaxResponseBytes, and nothing from who reads', async () => {
    const MIB = 1024 * 1024
    await start({ queuedMaxResponseBytes: 8 * MIB })
    const worker = await served()
    await createTopic(worker, 't')
    for (let id = 0; id < 8; id++) {
      worker.socket.write(
        produceFrame({ correlationId: id, topic: 't', value: Buffer.alloc(900_000) }),
      )
      await worker.next()
    }
    const crowd = await Promise.all(Array.from({ length: 12 }, connect))
    for (const peer of crowd) {
      peer.socket.pause()
      for (let id = 0; id < 10; id++) peer.socket.write(fetchFrame(id))
    }
    for (let id = 0; id < 20; id++) {
      worker.socket.write(fetchFrame(id))
      expect((await worker.next()).readInt32BE(0)).toBe(id)
    }
    expect(log.length).toBeGreaterThan(0)
    expect(new Set(log)).toEqual(
      new Set([expect.stringMatching(/responses wait for its client, and too many in all/)]),
    )
  })
})

async function roundTrips(peer: Peer): Promise<void> {
  for (let round = 0; round < 5; round++) await isAlive(peer)
}
