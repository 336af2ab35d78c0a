/** Quotas as clients set them, see them and feel them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type RunningBroker,
  startBroker,
  type StartBrokerOptions,
} from '../../../src/broker/index.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import type { Platform } from '../../../src/platform/platform.ts'
import { decodeResponse, encodeRequest } from '../../../src/protocol/frame.ts'
import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { apiVersions } from '../../../src/protocol/messages/18-api-versions.ts'
import { describeClientQuotas } from '../../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../../src/protocol/messages/49-alter-client-quotas.ts'
import { Peer } from '../peer.ts'
import { createTopic, produceFrame } from '../produce-requests.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-quotas-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Names = { entityType: string; entityName: string | null }[]
const user = (entityName: string | null) => ({ entityType: 'user', entityName })
const clientId = (entityName: string | null) => ({ entityType: 'client-id', entityName })
const set = (entity: Names, key: string, value: number) => ({
  entity,
  ops: [{ key, value, remove: false }],
})

async function alter(peer: Peer, entries: ReturnType<typeof set>[], validateOnly = false) {
  const answer = await peer.ask(alterClientQuotas, 1, { entries, validateOnly })
  return answer.entries.map(({ errorCode }) => errorCode)
}

type Component = { entityType: string; matchType: number; match: string | null }
async function describeAll(peer: Peer, components: Component[] = [], strict = false) {
  return peer.ask(describeClientQuotas, 1, { components, strict })
}

const open = (broker: RunningBroker): Promise<Peer> => Peer.open(broker.address)

test('quotas are stored, described by filter, and removed', async () => {
  {
    await using broker = await startBroker({ data: folder })
    const peer = await open(broker)
    expect(
      await alter(peer, [
        set([user('anna')], 'producer_byte_rate', 1000),
        set([user('anna'), clientId('app')], 'consumer_byte_rate', 2000),
        set([clientId(null)], 'producer_byte_rate', 3000.5),
      ]),
    ).toEqual([0, 0, 0])
    await peer.close()
  }
  await using broker = await startBroker({ data: folder })
  const peer = await open(broker)
  const names = async (components: Component[], strict: boolean) =>
    (await describeAll(peer, components, strict)).entries?.map(({ entity }) => entity)
  expect((await describeAll(peer)).entries).toEqual([
    { entity: [user('anna')], values: [{ key: 'producer_byte_rate', value: 1000 }] },
    {
      entity: [user('anna'), clientId('app')],
      values: [{ key: 'consumer_byte_rate', value: 2000 }],
    },
    { entity: [clientId(null)], values: [{ key: 'producer_byte_rate', value: 3000.5 }] },
  ])
  const anyUser = { entityType: 'user', matchType: 2, match: null }
  expect(await names([anyUser], false)).toEqual([[user('anna')], [user('anna'), clientId('app')]])
  expect(await names([anyUser], true)).toEqual([[user('anna')]])
  expect(await names([{ entityType: 'client-id', matchType: 1, match: null }], false)).toEqual([
    [clientId(null)],
  ])
  expect(await names([{ entityType: 'client-id', matchType: 0, match: 'app' }], false)).toEqual([
    [user('anna'), clientId('app')],
  ])
  await peer.ask(alterClientQuotas, 0, {
    entries: [
      { entity: [user('anna')], ops: [{ key: 'producer_byte_rate', value: 0, remove: true }] },
    ],
    validateOnly: false,
  })
  expect(await names([anyUser], true)).toEqual([])
  await peer.close()
})

test('what cannot be enforced is refused, entity by entity', async () => {
  await using broker = await startBroker({ data: folder })
  const peer = await open(broker)
  const INVALID_REQUEST = 42
  expect(
    await alter(peer, [
      set([user('a')], 'producer_byte_rate', 1),
      set([], 'producer_byte_rate', 1),
      set([{ entityType: 'ip', entityName: '::1' }], 'connection_creation_rate', 1),
      set([user('a')], 'request_percentage', 50),
      set([user('a')], 'producer_byte_rate', 0),
      set([user('a')], 'producer_byte_rate', Number.NaN),
      set([user('')], 'producer_byte_rate', 1),
      set([user('a'), user('b')], 'producer_byte_rate', 1),
    ]),
  ).toEqual([0, ...Array.from({ length: 7 }, () => INVALID_REQUEST)])
  expect(await alter(peer, [set([user('b')], 'producer_byte_rate', 1)], true)).toEqual([0])
  expect((await describeAll(peer)).entries).toHaveLength(1)
  const filter = (entityType: string, matchType: number, match: string | null) =>
    describeAll(peer, [{ entityType, matchType, match }])
  for (const answer of [
    await filter('ip', 0, '::1'),
    await filter('user', 7, null),
    await filter('user', 0, null),
    await filter('user', 1, 'a'),
  ]) {
    expect(answer).toMatchObject({ errorCode: INVALID_REQUEST, entries: null })
  }
  await peer.close()
})

test('a damaged file keeps the broker from starting', async () => {
  {
    await using broker = await startBroker({ data: folder })
    const peer = await open(broker)
    await alter(peer, [set([user('a')], 'producer_byte_rate', 1)])
    await peer.close()
  }
  const file = join(folder, 'client-quotas')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"a"', '"b"'))
  await expect(startBroker({ data: folder })).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
})

/** Node's platform, where those who are throttled wait until the test lets them go. */
function withHeldTimers(): { platform: Platform; throttles: Map<number, () => void> } {
  const platform = nodePlatform()
  const throttles = new Map<number, () => void>()
  const usual = new Set([1000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000])
  return {
    throttles,
    platform: {
      ...platform,
      timers: {
        yield: () => platform.timers.yield(),
        schedule(delayMs, callback) {
          if (usual.has(delayMs) || delayMs < 1000 || delayMs > 100_000_000) {
            return platform.timers.schedule(delayMs, callback)
          }
          throttles.set(delayMs, callback)
          return { cancel: () => void throttles.delete(delayMs) }
        },
      },
    },
  }
}

const start = (platform: Platform, options: StartBrokerOptions = {}): Promise<RunningBroker> =>
  startBroker({ data: folder, platform, ...options })

test('a producer beyond its quota is answered, told, and not listened to for that time', async () => {
  const { platform, throttles } = withHeldTimers()
  await using broker = await start(platform)
  const peer = await open(broker)
  const other = await open(broker)
  await createTopic(peer, 't')
  await alter(peer, [set([clientId('fast')], 'producer_byte_rate', 1000)])
  const send = (correlationId: number, bytes: number): void => {
    const value = Buffer.alloc(bytes)
    peer.socket.write(produceFrame({ correlationId, topic: 't', clientId: 'fast', value }))
  }
  const throttle = async (): Promise<number> =>
    decodeResponse(produce, 7, await peer.next()).throttleTimeMs

  send(1, 5000)
  expect(await throttle()).toBe(0)
  send(2, 15_000)
  const told = await throttle()
  expect(told).toBeGreaterThan(9000)
  expect([...throttles.keys()]).toEqual([told])

  send(3, 1)
  for (let round = 0; round < 10; round++) await other.ask(apiVersions, 0, {})
  expect(
    (await other.ask(describeClientQuotas, 1, { components: [], strict: false })).errorCode,
  ).toBe(0)
  const answer = peer.next()
  const early = await Promise.race([answer, other.ask(apiVersions, 0, {}).then(() => null)])
  expect(early).toBe(null)
  throttles.get(told)?.()
  expect((await answer).readInt32BE(0)).toBe(3)
  await peer.close()
  await other.close()
})

test('a consumer gets no more at once than its quota allows, and then waits', async () => {
  const { platform, throttles } = withHeldTimers()
  await using broker = await start(platform)
  const peer = await open(broker)
  await createTopic(peer, 't')
  await alter(peer, [set([clientId(null)], 'consumer_byte_rate', 1000)])
  for (let id = 0; id < 10; id++) {
    peer.socket.write(produceFrame({ correlationId: id, topic: 't', value: Buffer.alloc(3000) }))
    await peer.next()
  }
  const read = async (fetchOffset: number) => {
    const { throttleTimeMs, responses } = await peer.ask(fetch, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: 't',
          partitions: [
            { partition: 0, currentLeaderEpoch: -1, fetchOffset, partitionMaxBytes: 1_000_000 },
          ],
        },
      ],
      forgottenTopicsData: [],
    })
    return { throttleTimeMs, bytes: responses[0]?.partitions[0]?.records?.length ?? 0 }
  }
  const first = await read(0)
  expect(first.throttleTimeMs).toBe(0)
  expect(first.bytes).toBeGreaterThan(9000)
  expect(first.bytes).toBeLessThanOrEqual(10_000)
  const second = await read(3)
  expect(second.throttleTimeMs).toBeGreaterThan(5000)
  expect(throttles.size).toBe(1)
  await peer.close()
})

test('the quota of a user is that of its certificate', async () => {
  const { platform } = withHeldTimers()
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
  await using broker = await start(platform, {
    listeners: [
      {
        name: 'SSL',
        tls: {
          key: fixture('server.key'),
          cert: fixture('server.pem'),
          ca: fixture('ca.pem'),
          clientAuth: 'required',
        },
      },
    ],
  })
  const { host, port } = broker.address
  const read = (name: string): Buffer => readFileSync(fixture(name))
  const options = {
    host,
    port,
    ca: read('ca.pem'),
    key: read('client.key'),
    cert: read('client.pem'),
  }
  const peer = await new Promise<Peer>((resolve, reject) => {
    const socket = connect(options, () => resolve(new Peer(socket)))
    socket.on('error', reject)
  })
  await createTopic(peer, 't')
  const name = 'CN=client one,OU=Tests+UID=7,O=Mill\\, Race,L=City,ST=Some State,C=DE'
  await alter(peer, [set([user(name)], 'producer_byte_rate', 10)])
  peer.socket.write(produceFrame({ correlationId: 1, topic: 't', value: Buffer.alloc(1000) }))
  expect(decodeResponse(produce, 7, await peer.next()).throttleTimeMs).toBeGreaterThan(10_000)
  await peer.close()
})

test('without a quota nobody waits', async () => {
  await using broker = await start(nodePlatform())
  const peer = await open(broker)
  await createTopic(peer, 't')
  await alter(peer, [set([user('somebody else')], 'producer_byte_rate', 1)])
  peer.socket.write(encodeRequest(apiVersions, 0, { correlationId: 0, clientId: null }, {}))
  await peer.next()
  for (let id = 0; id < 3; id++) {
    peer.socket.write(produceFrame({ correlationId: id, topic: 't', value: Buffer.alloc(100_000) }))
    expect(decodeResponse(produce, 7, await peer.next()).throttleTimeMs).toBe(0)
  }
  await peer.close()
})
