/** What a client may send before, while and after it logs in, and how it is told that it may not. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../../src/broker/index.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { encodeRequest } from '../../../src/protocol/frame.ts'
import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { apiVersions } from '../../../src/protocol/messages/18-api-versions.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import { clientProof, saltPassword } from '../../../src/protocol/scram.ts'
import { Peer } from '../peer.ts'

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const noTopics = { topics: [], allowAutoTopicCreation: false }
const header = { correlationId: 1, clientId: 'peer' }
const peers: Peer[] = []
let nowMs = 0
let delays: number[] = []
let broker: RunningBroker

beforeAll(async () => {
  const platform = nodePlatform()
  const clock = { ...platform.clock, now: () => nowMs, monotonic: () => nowMs }
  const timers = {
    ...platform.timers,
    schedule(delayMs: number, callback: () => void) {
      delays.push(delayMs)
      return platform.timers.schedule(delayMs, callback)
    },
  }
  broker = await startBroker({
    platform: { ...platform, clock, timers },
    listeners: [{ name: 'SASL', sasl: mechanisms }, { name: 'PLAINTEXT' }],
    users: [
      { name: 'alice', password: 'secret' },
      { name: 'bob', password: 'hidden' },
    ],
    config: {
      connectionFailedAuthenticationDelayMs: 17,
      connectionsMaxReauthMs: 1000,
      saslServerMaxReceiveBytes: 1000,
    },
  })
})
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
  delays = []
})
afterAll(() => broker.close())

async function open(listener: number): Promise<Peer> {
  const address = broker.listeners[listener]?.address
  if (address === undefined) throw new Error('no such listener')
  const peer = await Peer.open(address)
  peers.push(peer)
  return peer
}

const shakeHands = (peer: Peer, mechanism: string) => peer.ask(saslHandshake, 1, { mechanism })
const authenticate = (peer: Peer, token: string | Buffer) =>
  peer.ask(saslAuthenticate, 2, { authBytes: Buffer.from(token) })

async function plain(peer: Peer, token: string): Promise<number> {
  await shakeHands(peer, 'PLAIN')
  return (await authenticate(peer, token)).errorCode
}

const FAILED = errorCode.SASL_AUTHENTICATION_FAILED

test('before the login only versions and the login are served', async () => {
  const peer = await open(0)
  const software = { clientSoftwareName: 'peer', clientSoftwareVersion: '1' }
  expect(await peer.ask(apiVersions, 3, software)).toMatchObject({ errorCode: errorCode.NONE })
  peer.socket.write(encodeRequest(metadata, 12, header, noTopics))
  await peer.closed
})

test('frames are short before the login, and not after it', async () => {
  const long = 'x'.repeat(2000)
  const topics = [{ name: long }]
  const early = await open(0)
  early.socket.write(encodeRequest(saslHandshake, 1, header, { mechanism: long }))
  await early.closed
  const peer = await open(0)
  expect(await plain(peer, '\0alice\0secret')).toBe(errorCode.NONE)
  const answer = await peer.ask(metadata, 12, { topics, allowAutoTopicCreation: false })
  expect(answer.topics).toHaveLength(1)
})

test('requests before the login are counted', async () => {
  const peer = await open(0)
  const software = { clientSoftwareName: 'peer', clientSoftwareVersion: '1' }
  for (let i = 0; i < 32; i++) await peer.ask(apiVersions, 3, software)
  peer.socket.write(encodeRequest(apiVersions, 3, header, software))
  await peer.closed
})

describe('PLAIN', () => {
  test.each([
    ['', '\0alice\0secret', errorCode.NONE],
    ['for the same name', 'alice\0alice\0secret', errorCode.NONE],
    ['for another name', 'bob\0alice\0secret', FAILED],
    ['with a wrong password', '\0alice\0hidden', FAILED],
    ['with the beginning of the password', '\0alice\0secre', FAILED],
    ['without a password', '\0alice\0', FAILED],
    ['as nobody', '\0nobody\0secret', FAILED],
    ['without a name', '\0\0secret', FAILED],
    ['with too many parts', '\0alice\0secret\0', FAILED],
    ['with nothing', '', FAILED],
  ])('%s', async (_, token, expected) => {
    const peer = await open(0)
    expect(await plain(peer, token)).toBe(expected)
    if (expected === errorCode.NONE) {
      expect((await peer.ask(metadata, 12, noTopics)).brokers).toHaveLength(1)
    } else {
      await peer.closed
      expect(delays).toContain(17)
    }
  })

  test('a password that was right before is not enough when another one is shown', async () => {
    for (let i = 0; i < 2; i++) {
      expect(await plain(await open(0), '\0bob\0hidden')).toBe(errorCode.NONE)
      expect(await plain(await open(0), '\0bob\0secret')).toBe(FAILED)
    }
  })
})

/** The token and the proof of a client, with something changed. */
async function scram(
  peer: Peer,
  change: {
    readonly header?: string
    readonly binding?: string
    readonly user?: string
    readonly password?: string
    readonly nonce?: (nonce: string) => string
    readonly proof?: (proof: Buffer) => Buffer
  } = {},
): Promise<{ errorCode: number; authBytes: Buffer; serverFirst: string }> {
  const { header: gs2 = 'n,,', user = 'alice', password = 'secret' } = change
  await shakeHands(peer, 'SCRAM-SHA-256')
  const bare = `n=${user},r=abc`
  const first = await authenticate(peer, `${gs2}${bare}`)
  const serverFirst = first.authBytes.toString()
  if (first.errorCode !== errorCode.NONE) return { ...first, serverFirst }
  const [, nonce = '', salt = '', iterations] = /^r=(.*),s=(.*),i=(.*)$/.exec(serverFirst) ?? []
  expect(nonce.startsWith('abc') && nonce.length > 20).toBe(true)
  const how = { salt: Buffer.from(salt, 'base64'), iterations: Number(iterations) }
  const salted = await saltPassword('SCRAM-SHA-256', password, how)
  const binding = Buffer.from(change.binding ?? gs2).toString('base64')
  const withoutProof = `c=${binding},r=${change.nonce?.(nonce) ?? nonce}`
  const proof = clientProof('SCRAM-SHA-256', salted, `${bare},${serverFirst},${withoutProof}`)
  const shown = (change.proof?.(proof) ?? proof).toString('base64')
  return { ...(await authenticate(peer, `${withoutProof},p=${shown}`)), serverFirst }
}

describe('SCRAM', () => {
  test.each([
    ['', {}, errorCode.NONE],
    ['by a client that could bind channels', { header: 'y,,' }, errorCode.NONE],
    ['for the same name', { header: 'n,a=alice,' }, errorCode.NONE],
    ['for another name', { header: 'n,a=bob,' }, FAILED],
    ['with a bound channel', { header: 'p=tls-unique,,' }, FAILED],
    ['with another header', { binding: 'y,,' }, FAILED],
    ['with a wrong password', { password: 'hidden' }, FAILED],
    ['as nobody', { user: 'nobody' }, FAILED],
    ['as a name that is not one', { user: 'al=2ice' }, FAILED],
    ['with another nonce', { nonce: (nonce: string) => `${nonce}x` }, FAILED],
    ['with the client nonce alone', { nonce: () => 'abc' }, FAILED],
    ['with something else before the nonce', { nonce: (nonce: string) => `x${nonce}` }, FAILED],
    ['as librdkafka 2.6.0 does', { nonce: (nonce: string) => `abc${nonce}` }, errorCode.NONE],
    ['with a short proof', { proof: (proof: Buffer) => proof.subarray(1) }, FAILED],
    ['without a proof', { proof: () => Buffer.alloc(0) }, FAILED],
  ])('%s', async (_, change, expected) => {
    const peer = await open(0)
    expect(await scram(peer, change)).toMatchObject({ errorCode: expected })
    if (expected === FAILED) await peer.closed
  })

  test('somebody who does not exist looks like somebody who does', async () => {
    const about = async (user: string): Promise<string> =>
      (await scram(await open(0), { user })).serverFirst.replace(/^r=[^,]*/, '')
    expect(await about('nobody')).toMatch(/^,s=[A-Za-z0-9+/]{32},i=4096$/)
    expect(await about('nobody')).toBe(await about('nobody'))
    expect(await about('nobody')).not.toBe(await about('noone'))
    expect(await about('alice')).toMatch(/^,s=[A-Za-z0-9+/]{32},i=4096$/)
  })
})

test('tokens after version 0 of the handshake are bare frames', async () => {
  const frame = (token: string): Buffer => {
    const bytes = Buffer.from(token)
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    return Buffer.concat([size, bytes])
  }
  const peer = await open(0)
  await peer.ask(saslHandshake, 0, { mechanism: 'PLAIN' })
  peer.socket.write(frame('\0alice\0secret'))
  expect(await peer.next()).toEqual(Buffer.alloc(0))
  expect((await peer.ask(metadata, 12, noTopics)).brokers).toHaveLength(1)

  const wrong = await open(0)
  await wrong.ask(saslHandshake, 0, { mechanism: 'PLAIN' })
  wrong.socket.write(frame('\0alice\0hidden'))
  await wrong.closed
})

test('an unknown mechanism is answered with those that there are, and ends the connection', async () => {
  const peer = await open(0)
  expect(await shakeHands(peer, 'GSSAPI')).toEqual({
    errorCode: errorCode.UNSUPPORTED_SASL_MECHANISM,
    mechanisms: [...mechanisms],
  })
  await peer.closed
})

test('a login out of order or where nobody logs in is told so', async () => {
  const illegal = { errorCode: errorCode.ILLEGAL_SASL_STATE }
  const peer = await open(0)
  expect(await authenticate(peer, 'x')).toMatchObject(illegal)
  await shakeHands(peer, 'PLAIN')
  expect(await shakeHands(peer, 'PLAIN')).toMatchObject(illegal)
  expect((await authenticate(peer, '\0alice\0secret')).errorCode).toBe(errorCode.NONE)
  expect(await authenticate(peer, '\0alice\0secret')).toMatchObject(illegal)
  const open1 = await open(1)
  expect(await shakeHands(open1, 'PLAIN')).toMatchObject(illegal)
  expect(await authenticate(open1, 'x')).toMatchObject(illegal)
  expect((await open1.ask(metadata, 12, noTopics)).brokers).toHaveLength(1)
})

describe('a session', () => {
  test('ends, unless the client logs in again as the same user', async () => {
    const peer = await open(0)
    await shakeHands(peer, 'PLAIN')
    const answer = await authenticate(peer, '\0alice\0secret')
    expect(answer.sessionLifetimeMs).toBe(1000)
    nowMs += 999
    await peer.ask(metadata, 12, noTopics)
    expect(await plain(peer, '\0alice\0secret')).toBe(errorCode.NONE)
    nowMs += 999
    await peer.ask(metadata, 12, noTopics)
    nowMs += 1
    peer.socket.write(encodeRequest(metadata, 12, header, noTopics))
    await peer.closed
  })

  test.each([
    ['another user', '\0bob\0hidden'],
    ['a wrong password', '\0alice\0hidden'],
  ])('ends with %s', async (_, token) => {
    const peer = await open(0)
    expect(await plain(peer, '\0alice\0secret')).toBe(errorCode.NONE)
    expect(await plain(peer, token)).toBe(FAILED)
    await peer.closed
  })

  test('ends with another mechanism', async () => {
    const peer = await open(0)
    expect(await plain(peer, '\0alice\0secret')).toBe(errorCode.NONE)
    expect((await scram(peer)).errorCode).toBe(FAILED)
    await peer.closed
  })
})

test('who does not log in in time is disconnected', async () => {
  await using impatient = await startBroker({
    listeners: [{ name: 'SASL', sasl: mechanisms }],
    config: { authenticationTimeoutMs: 1 },
  })
  const peer = await Peer.open(impatient.address)
  await peer.closed
})
