/** What strangers do to the broker over TCP stays between them and their connection. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import type { Logger } from '../../src/logger.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { Peer } from './peer.ts'

let broker: RunningBroker
let log: string[]
const logger: Logger = {
  debug() {},
  info() {},
  warn: (_, message) => void log.push(`warn: ${message}`),
  error: (_, message) => void log.push(`error: ${message}`),
}

beforeEach(async () => {
  log = []
  broker = await startBroker({ logger, config: { maxRequestBytes: 100_000, maxConnections: 3 } })
})

afterEach(() => broker.close())

const openPeer = (): Promise<Peer> => Peer.open(broker.address)
const header = (correlationId: number) => ({ correlationId, clientId: 'peer' })
const askVersions = (correlationId: number): Buffer =>
  encodeRequest(apiVersions, 0, header(correlationId), {})
const askMetadata = (correlationId: number): Buffer =>
  encodeRequest(metadata, 4, header(correlationId), { topics: null })

async function expectAlive(): Promise<void> {
  const peer = await openPeer()
  peer.socket.write(askVersions(1))
  expect((await peer.next()).readInt32BE(0)).toBe(1)
  peer.socket.destroy()
  await peer.closed
}

describe('ApiVersions', () => {
  test('names what is served, with the ranges that old clients test for', async () => {
    const peer = await openPeer()
    peer.socket.write(askVersions(7))
    const { apiKeys, errorCode } = decodeResponse(apiVersions, 0, await peer.next())
    expect(errorCode).toBe(0)
    const ranges = Object.fromEntries(
      apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, `${minVersion}-${maxVersion}`]),
    )
    expect(ranges).toEqual({
      0: '0-11',
      1: '4-17',
      2: '1-10',
      3: '0-12',
      8: '2-9',
      9: '1-9',
      10: '0-5',
      11: '0-9',
      12: '0-4',
      13: '0-5',
      14: '0-5',
      15: '0-5',
      16: '0-5',
      17: '0-1',
      18: '0-4',
      19: '2-7',
      20: '1-6',
      21: '0-2',
      22: '0-5',
      23: '2-4',
      24: '0-3',
      25: '0-4',
      26: '0-4',
      27: '1-1',
      28: '0-4',
      29: '1-3',
      30: '1-3',
      31: '1-3',
      32: '1-4',
      33: '0-2',
      35: '1-4',
      36: '0-2',
      37: '0-3',
      42: '0-2',
      43: '0-2',
      44: '0-1',
      45: '0-0',
      46: '0-0',
      47: '0-0',
      48: '0-1',
      49: '0-1',
      50: '0-0',
      51: '0-0',
      60: '0-1',
      61: '0-0',
      65: '0-0',
      66: '0-1',
      75: '0-0',
    })
    peer.socket.destroy()
  })

  test('a version from the future is answered in the form of version 0, and the client may ask again', async () => {
    const peer = await openPeer()
    const request = askVersions(3)
    request.writeInt16BE(99, 6)
    peer.socket.write(request)
    const { errorCode, apiKeys } = decodeResponse(apiVersions, 0, await peer.next())
    expect(errorCode).toBe(35)
    expect(apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
    peer.socket.write(askVersions(4))
    expect((await peer.next()).readInt32BE(0)).toBe(4)
    peer.socket.destroy()
  })
})

describe('a connection is closed, and only that one,', () => {
  test.each([
    ['an unknown API', Buffer.from('0000000a7fff000000000001ffff', 'hex')],
    ['a version that is not served', Buffer.from('0000000a0003006300000001ffff', 'hex')],
    ['Produce below version 3', Buffer.from('0000000a0000000200000001ffff', 'hex')],
    ['a body that is cut short', Buffer.from('0000000a0000000700000001ffff', 'hex')],
    ['a header that is cut short', Buffer.from('0000000300ffff', 'hex')],
    ['a negative size', Buffer.from('ffffffff', 'hex')],
    ['a size above the maximum', Buffer.from('000186a1', 'hex')],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('after %s', async (_, bytes) => {
    const other = await openPeer()
    const peer = await openPeer()
    peer.socket.write(bytes)
    await peer.closed
    expect(log).toEqual([expect.stringMatching(/^warn: A connection is closed: /)])
    other.socket.write(askMetadata(2))
    expect((await other.next()).readInt32BE(0)).toBe(2)
    other.socket.destroy()
  })

  test('whatever bytes come', async () => {
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .record({
          key: fc.integer({ min: 0, max: 75 }),
          version: fc.nat(12),
          body: fc.uint8Array({ maxLength: 60 }),
        })
        .map(({ key, version, body }) => {
          const head = Buffer.from('0000000000000001ffff', 'hex')
          head.writeInt16BE(key, 0)
          head.writeInt16BE(version, 2)
          return Buffer.concat([head, body])
        }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 3 }), async frames => {
        const peer = await openPeer()
        for (const bytes of frames) {
          const size = Buffer.alloc(4)
          size.writeInt32BE(bytes.length)
          peer.socket.write(Buffer.concat([size, bytes]))
        }
        peer.socket.end()
        await peer.closed
        expect(log.filter(line => line.startsWith('error'))).toEqual([])
      }),
      { numRuns: 300 },
    )
    await expectAlive()
  })
})

test('requests that come in one go, or byte by byte, are answered one after another', async () => {
  const peer = await openPeer()
  const ids = Array.from({ length: 50 }, (_, id) => id)
  const bytes = Buffer.concat(ids.map(id => (id % 2 ? askMetadata(id) : askVersions(id))))
  peer.socket.write(bytes)
  for (const id of ids) expect((await peer.next()).readInt32BE(0)).toBe(id)
  const slow = askMetadata(99)
  for (const byte of slow) peer.socket.write(Buffer.of(byte))
  expect((await peer.next()).readInt32BE(0)).toBe(99)
  peer.socket.destroy()
})

test('produce with acks 0 gets no answer, the next request does', async () => {
  const peer = await openPeer()
  peer.socket.write(encodeRequest(metadata, 4, header(1), { topics: [{ name: 't' }] }))
  await peer.next()
  const builder = new RecordBatchBuilder()
  builder.append(null, Buffer.from('x'), 1, [])
  peer.socket.write(
    encodeRequest(produce, 7, header(2), {
      transactionalId: null,
      acks: 0,
      timeoutMs: 100,
      topicData: [{ name: 't', partitionData: [{ index: 0, records: builder.build() }] }],
    }),
  )
  peer.socket.write(askMetadata(3))
  expect((await peer.next()).readInt32BE(0)).toBe(3)
  peer.socket.destroy()
})

test('one connection more than maxConnections is closed at once', async () => {
  const peers = [await openPeer(), await openPeer(), await openPeer()]
  for (const peer of peers) {
    peer.socket.write(askVersions(1))
    await peer.next()
  }
  const refused = await openPeer()
  await refused.closed
  expect(log).toEqual([expect.stringMatching(/maxConnections/)])
  for (const peer of peers) {
    peer.socket.destroy()
    await peer.closed
  }
})

test('a client that leaves while its request is in work takes nothing with it', async () => {
  const peer = await openPeer()
  peer.socket.write(encodeRequest(metadata, 4, header(1), { topics: [{ name: 'left' }] }))
  peer.socket.destroy()
  await expectAlive()
  expect(log).toEqual([])
})

test('closing the broker closes its connections', async () => {
  const peer = await openPeer()
  peer.socket.write(askVersions(1))
  await peer.next()
  await broker.close()
  await peer.closed
  await expect(openPeer()).rejects.toThrow()
})
