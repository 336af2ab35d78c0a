import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FrameSplitter,
  responseCorrelationId,
} from '../../src/protocol/frame.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { hex } from './hex.ts'

const header = { correlationId: 42, clientId: 'me' }

describe('requests', () => {
  test.each([4, 9])('version %i carries its header', version => {
    const frame = encodeRequest(metadata, version, header, { topics: [{ name: 'a' }] })
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    const received = decodeRequestHeader(frame.subarray(4))
    expect(received).toMatchObject({ apiKey: 3, apiVersion: version, ...header, api: metadata })
    expect(decodeRequest(metadata, version, received.reader).topics).toMatchObject([{ name: 'a' }])
    expect(received.reader.remaining).toBe(0)
  })

  test('more array elements than a broker has use for are refused before they are made', () => {
    const topics = Array.from({ length: 250_000 }, () => ({ name: '' }))
    const decode = (body: { topics: typeof topics }): number => {
      const frame = encodeRequest(metadata, 9, header, body).subarray(4)
      return decodeRequest(metadata, 9, decodeRequestHeader(frame).reader).topics?.length ?? -1
    }
    expect(decode({ topics })).toBe(250_000)
    expect(() => decode({ topics: [...topics, { name: '' }] })).toThrow(/too many elements in all/)
  })

  test('a frame whose bytes come one by one is put together', () => {
    const splitter = new FrameSplitter(2_000_000)
    const body = Buffer.alloc(1_500_000, 'abc')
    const stream = Buffer.concat([Buffer.alloc(4), body])
    stream.writeInt32BE(body.length, 0)
    const found: Buffer[] = []
    for (let at = 0; at < stream.length; at += 777) {
      expect(splitter.unfinishedBytes).toBe(at)
      found.push(...splitter.push(stream.subarray(at, at + 777)))
    }
    expect(found).toHaveLength(1)
    expect(found[0]?.equals(body)).toBe(true)
    expect(splitter.unfinishedBytes).toBe(0)
  })

  test('the client id is never compact', () => {
    const frame = encodeRequest(apiVersions, 3, header, {})
    expect(frame.subarray(4).toString('hex')).toBe(hex('0012 0003 0000002a 00026d65 00 010100'))
  })

  test('a version from the future still tells who asks what', () => {
    const frame = encodeRequest(apiVersions, 4, { correlationId: 7, clientId: null }, {})
    frame.writeInt16BE(99, 6)
    expect(decodeRequestHeader(frame.subarray(4))).toMatchObject({
      apiKey: 18,
      apiVersion: 99,
      correlationId: 7,
      clientId: null,
      api: undefined,
    })
  })

  test('a header cut at any byte is refused', () => {
    const frame = encodeRequest(metadata, 9, header, { topics: null }).subarray(4, 4 + 13)
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodeRequestHeader(frame.subarray(0, length))).toThrow(/Cannot read request/)
    }
  })
})

describe('responses', () => {
  test.each([4, 9])('version %i carries its correlation id', version => {
    const frame = Buffer.concat(encodeResponse(metadata, version, 42, { brokers: [], topics: [] }))
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    expect(responseCorrelationId(frame.subarray(4))).toBe(42)
    expect(decodeResponse(metadata, version, frame.subarray(4)).brokers).toEqual([])
  })

  test('record batches are handed on as they are, the frame around them in pieces', () => {
    const partition = {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 1,
      abortedTransactions: [],
    }
    const batches: Buffer[] = [20_000, 17_000, 100].map(length => Buffer.alloc(length, length))
    const partitions = batches.map(records => ({ ...partition, records }))
    const responses = [{ topic: 'words', partitions }]
    for (const version of [11, 12]) {
      const pieces = encodeResponse(fetch, version, 42, { responses })
      expect(pieces.filter(piece => batches.includes(piece))).toEqual(batches.slice(0, 2))
      const frame = Buffer.concat(pieces)
      expect(frame.readInt32BE(0)).toBe(frame.length - 4)
      const decoded = decodeResponse(fetch, version, frame.subarray(4)).responses[0]
      expect(decoded?.partitions.map(({ records }) => records)).toEqual(batches)
    }
  })

  test('ApiVersions has no tags in its header', () => {
    const frame = Buffer.concat(encodeResponse(apiVersions, 3, 42, { errorCode: 35, apiKeys: [] }))
    expect(frame.subarray(4).toString('hex')).toBe(hex('0000002a 0023 01 00000000 00'))
    expect(decodeResponse(apiVersions, 3, frame.subarray(4)).errorCode).toBe(35)
  })
})

describe('splitter', () => {
  test('gives the frames, however the bytes arrive', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 30 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.flatMap(body => [size(body.length), Buffer.from(body)]))
        const splitter = new FrameSplitter(50)
        const found: Buffer[] = []
        let at = 0
        for (const cut of cuts) {
          found.push(...splitter.push(stream.subarray(at, at + cut)))
          at += cut
        }
        found.push(...splitter.push(stream.subarray(at)))
        expect(found.map(frame => [...frame])).toEqual(frames.map(body => [...body]))
      }),
    )
  })

  test.each([51, -1, 0x47455420])('a frame of %i bytes is refused before it arrives', length => {
    expect(() => new FrameSplitter(50).push(size(length))).toThrow(/at most 50 are accepted/)
  })

  const size = (length: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(length)
    return bytes
  }
})
