/** Listeners with TLS: who is let in, and certificates that are replaced while the broker runs. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningBroker, startBroker, type TlsConfig } from '../../src/broker/index.ts'
import { createLogClient, nodePlatform, wireConnector } from '../../src/index.ts'
import type { Logger } from '../../src/logger.ts'
import type { Timers } from '../../src/platform/platform.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { Peer } from './peer.ts'

const path = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const pem = (name: string): Buffer => readFileSync(path(name))
const ca = pem('ca.pem')
const identity = (name: string): { key: Buffer; cert: Buffer } => ({
  key: pem(`${name}.key`),
  cert: pem(`${name}.pem`),
})
const server = { key: path('server.key'), cert: path('server.pem') }
const mutual: TlsConfig = { ...server, ca: path('ca.pem'), clientAuth: 'required' }

let folder: string
let log: string[]
const logger: Logger = {
  debug() {},
  info: (_, message) => void log.push(`info: ${message}`),
  warn: (_, message) => void log.push(`warn: ${message}`),
  error: (_, message) => void log.push(`error: ${message}`),
}

beforeEach(() => {
  log = []
  folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const start = (tls: TlsConfig, options: { timers?: Timers; maxConnections?: number } = {}) => {
  const { timers, maxConnections } = options
  return startBroker({
    listeners: [{ name: 'SSL', tls }],
    logger,
    platform: { ...nodePlatform(), ...(timers === undefined ? {} : { timers }) },
    config: maxConnections === undefined ? {} : { maxConnections },
  })
}

/** A client; what it connects to proves itself unless `options` say otherwise. */
function open(broker: RunningBroker, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const { host, port } = broker.address
    const socket = connect({ host, port, ca, ...options }, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** Whether the broker answers over the socket or closes it. */
async function isServed(socket: TLSSocket): Promise<boolean> {
  const peer = new Peer(socket)
  const answer = peer.ask(apiVersions, 0, {}).then(() => true)
  const served = await Promise.race([answer, peer.closed.then(() => false)])
  await peer.close()
  return served
}

test('the log client and kafkajs work over TLS', async () => {
  await using broker = await start(mutual)
  const platform = nodePlatform()
  const tls = { ca, ...identity('client') }
  const connector = wireConnector(platform, { clientId: 'c', tls })
  await using client = createLogClient({ platform, bootstrap: [broker.address], connector })
  await client.createTopics([{ name: 'words', partitions: 2 }])

  const kafka = new Kafka({
    brokers: [broker.bootstrap],
    logLevel: logLevel.NOTHING,
    ssl: { ca: ca.toString(), key: tls.key.toString(), cert: tls.cert.toString() },
  })
  const admin = kafka.admin()
  await admin.connect()
  expect(await admin.listTopics()).toEqual(['words'])
  await admin.disconnect()
})

test('the log client refuses a broker that is not who it should be, and says why', async () => {
  const connectTo = (broker: RunningBroker, tls: { ca?: Buffer; serverName?: string }) =>
    wireConnector(nodePlatform(), { clientId: 'c', tls })(broker.address)
  await using broker = await start(server)
  await expect(connectTo(broker, {})).rejects.toThrow(/comes from nobody who is trusted here/)
  await expect(connectTo(broker, { ca: pem('other-ca.pem') })).rejects.toThrow(/nobody who is/)
  await expect(connectTo(broker, { ca, serverName: 'example.org' })).rejects.toThrow(/another name/)
  await expect(connectTo(broker, { ca: Buffer.from('x') })).rejects.toThrow()
  await using elsewhere = await start({ key: path('other-host.key'), cert: path('other-host.pem') })
  await expect(connectTo(elsewhere, { ca })).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    message: expect.stringContaining('is for another name'),
  })
  await using plain = await startBroker()
  await expect(connectTo(plain, { ca })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
})

test.each([
  ['none', 'nobody', true],
  ['none', 'client', true],
  ['requested', 'nobody', true],
  ['requested', 'client', true],
  ['requested', 'stranger', false],
  ['required', 'nobody', false],
  ['required', 'client', true],
  ['required', 'stranger', false],
] as const)('with clientAuth %s, %s is served: %s', async (clientAuth, who, expected) => {
  await using broker = await start({ ...mutual, clientAuth })
  const socket = open(broker, who === 'nobody' ? {} : identity(who))
  expect(await socket.then(isServed, () => false)).toBe(expected)
})

test('TLS below 1.2 is refused', async () => {
  await using broker = await start(server)
  const old = open(broker, {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  await expect(old).rejects.toThrow()
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await open(broker, { minVersion: version, maxVersion: version })
    expect(socket.getProtocol()).toBe(version)
    expect(await isServed(socket)).toBe(true)
  }
})

test('who speaks plainly to TLS, or TLS to a plain listener, loses its connection alone', async () => {
  await using broker = await startBroker({
    logger,
    listeners: [{ name: 'SSL', tls: server }, { name: 'PLAIN' }],
  })
  const [secure, plain] = broker.listeners
  const peer = await Peer.open(secure?.address ?? broker.address)
  peer.socket.write(Buffer.from('0000000a0012000000000001ffff', 'hex'))
  await peer.closed
  const { host, port } = plain?.address ?? broker.address
  await new Promise<void>(resolve => {
    const socket = connect({ host, port, ca })
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
  expect(await isServed(await open(broker))).toBe(true)
  expect(log.filter(line => line.startsWith('error'))).toEqual([])
})

test('a connection counts from before its handshake', async () => {
  await using broker = await start(server, { maxConnections: 1 })
  const { host, port } = broker.address
  const silent = connectPlain(port, host)
  await new Promise<void>(resolve => silent.on('connect', () => resolve()))
  await expect(open(broker)).rejects.toThrow()
  silent.destroy()
})

test('files that cannot be used do not let a broker start', async () => {
  await expect(start({ ...server, key: path('client.key') })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('key values mismatch'),
  })
  await expect(start({ ...server, cert: join(folder, 'none.pem') })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('none.pem does not exist'),
  })
  await expect(start({ ...server, clientAuth: 'required' })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining('listeners[0].tls.ca'),
  })
})

test('a replaced certificate is for new connections, a bad one is refused, and the broker looks by itself', async () => {
  const key = join(folder, 'key.pem')
  const cert = join(folder, 'cert.pem')
  const use = (name: string): void => {
    copyFileSync(path(`${name}.key`), key)
    copyFileSync(path(`${name}.pem`), cert)
  }
  const { timers } = nodePlatform()
  const looks: (() => void)[] = []
  const held: Timers = {
    yield: () => timers.yield(),
    schedule(delayMs, callback) {
      if (delayMs !== 10_000) return timers.schedule(delayMs, callback)
      looks.push(callback)
      return { cancel() {} }
    },
  }
  use('server')
  await using broker = await start({ key, cert }, { timers: held })
  const subject = async (): Promise<unknown> => {
    const socket = await open(broker)
    const { OU } = socket.getPeerCertificate().subject
    socket.destroy()
    return OU
  }
  log = []
  const before = await open(broker)
  expect(await subject()).toBe(undefined)

  use('next-server')
  broker.reloadTls()
  expect(await subject()).toBe('next')
  expect(await isServed(before)).toBe(true)
  expect(log).toEqual([expect.stringMatching(/^info: .*is used from now on/)])

  log = []
  writeFileSync(cert, 'nothing')
  broker.reloadTls()
  broker.reloadTls()
  copyFileSync(path('server.pem'), cert)
  broker.reloadTls()
  expect(await subject()).toBe('next')
  expect(log).toEqual([
    expect.stringMatching(/^error: Changed TLS files are not used/),
    expect.stringMatching(/^error: .*key values mismatch/),
  ])

  use('server')
  for (const look of looks.splice(0)) look()
  expect(await subject()).toBe(undefined)
  expect(looks).toHaveLength(1)
})
