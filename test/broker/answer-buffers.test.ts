import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnswerBuffers, ConnectionBuffers } from '../../src/broker/answer-buffers.ts'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/frame.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { baseOffset, checkBatch, sizeInBytes } from '../../src/protocol/record-batch.ts'
import { Peer } from './peer.ts'
import { produceFrame } from './produce-requests.ts'

const KIB = 1024
const MIB = 1024 * KIB

describe('buffers', () => {
  const all = new AnswerBuffers()

  test('come back once their answer has left the socket, not before', () => {
    const first = new ConnectionBuffers(all)
    const second = new ConnectionBuffers(all)
    const { buffer } = first.take(900 * KIB)
    first.drained(0)
    expect(second.take(MIB).buffer).not.toBe(buffer)
    first.handedOver(1)
    expect(second.take(MIB).buffer).not.toBe(buffer)
    first.drained(0)
    first.drained(0)
    expect(second.take(MIB).buffer).toBe(buffer)
    expect(second.take(MIB).buffer).not.toBe(buffer)
  })

  test('that were taken for nothing come back at once, those of earlier answers do not', () => {
    const connection = new ConnectionBuffers(all)
    const answered = connection.take(100 * KIB).buffer
    connection.handedOver(1)
    const discarded = connection.take(100 * KIB).buffer
    connection.discard()
    expect(all.take(128 * KIB).buffer).toBe(discarded)
    expect(all.take(128 * KIB).buffer).not.toBe(answered)
  })

  test('are as large as asked for, and only so many are kept', () => {
    for (const size of [1, 16 * KIB, 16 * KIB + 1, 3 * MIB, 4 * MIB + 1]) {
      expect(all.take(size).length).toBeGreaterThanOrEqual(size)
    }
    const many = Array.from({ length: 20 }, () => all.take(MIB))
    for (const each of many) all.giveBack(each)
    const known = new Set(many.map(({ buffer }) => buffer))
    const again = Array.from({ length: 20 }, () => all.take(MIB))
    expect(again.filter(({ buffer }) => known.has(buffer)).length).toBeLessThanOrEqual(16)
  })
})

describe('a broker', () => {
  const batches = 24
  const maxBytes = 1_000_000
  let broker: RunningBroker
  const peers: Peer[] = []

  const connect = async (): Promise<Peer> => {
    const peer = await Peer.open(broker.address)
    peers.push(peer)
    return peer
  }

  const request = (fetchOffset: number) => ({
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes,
    isolationLevel: 0,
    topics: [
      { topic: 'big', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }] },
    ],
  })

  const expectBatches = (records: Buffer | null | undefined, offset: number): void => {
    if (records === null || records === undefined) throw new Error('There are no records.')
    expect(records.length).toBeGreaterThan(maxBytes / 2)
    for (let at = 0, next = offset; at < records.length; next++) {
      expect(checkBatch(records, at)).toBe(null)
      expect(baseOffset(records, at)).toBe(next)
      at += sizeInBytes(records, at)
    }
  }

  beforeEach(async () => {
    broker = await startBroker({ flush: 'os', topics: [{ name: 'big' }] })
    const peer = await connect()
    for (let n = 0; n < batches; n++) {
      const value = Buffer.alloc(300_000, n + 1)
      peer.socket.write(produceFrame({ correlationId: n, topic: 'big', value }))
      await peer.next()
    }
  })

  afterEach(async () => {
    for (const peer of peers.splice(0)) await peer.close()
    await broker.close()
  })

  test('does not use the memory of an answer that its client has not taken', async () => {
    const slow = await connect()
    const quick = await connect()
    const offsets = Array.from({ length: 20 }, (_, n) => n)
    slow.socket.pause()
    for (const offset of offsets) {
      const header = { correlationId: offset, clientId: 'slow' }
      slow.socket.write(encodeRequest(fetch, 12, header, request(offset)))
    }
    for (const offset of [...offsets, ...offsets]) {
      const { responses } = await quick.ask(fetch, 12, request(19 - offset))
      expectBatches(responses[0]?.partitions[0]?.records, 19 - offset)
    }
    slow.socket.resume()
    for (const offset of offsets) {
      const { responses } = decodeResponse(fetch, 12, await slow.next())
      expectBatches(responses[0]?.partitions[0]?.records, offset)
    }
  })
})
