import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Socket, SocketHandlers } from '../../src/platform/platform.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { decodeRequestHeader, encodeResponse } from '../../src/protocol/frame.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import type { InferInput } from '../../src/protocol/schema.ts'
import { batchOf } from './records.ts'
import { VirtualPlatform } from './virtual-platform.ts'

/** What a broker that is broken, or none, does to the bytes of its answers. */
type Damage = { readonly at: number } & (
  | { readonly kind: 'byte'; readonly value: number }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'insert'; readonly bytes: Uint8Array }
)

const at = fc.nat({ max: 400 })
const damages = fc.array(
  fc.oneof<fc.Arbitrary<Damage>[]>(
    fc.record({ at, kind: fc.constant('byte' as const), value: fc.nat({ max: 255 }) }),
    fc.record({
      at,
      kind: fc.constant('number' as const),
      value: fc.constantFrom(-1, 0, 1, 0x7fff_ffff, -0x8000_0000, 0x00ff_ffff),
    }),
    fc.record({ at, kind: fc.constant('cut' as const) }),
    fc.record({
      at,
      kind: fc.constant('insert' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    }),
  ),
  { minLength: 1, maxLength: 4 },
)

function damaged(answer: Buffer, list: readonly Damage[]): Buffer {
  let bytes: Buffer = Buffer.from(answer)
  for (const damage of list) {
    const place = damage.at % (bytes.length + 1)
    if (damage.kind === 'byte' && place < bytes.length) bytes[place] = damage.value
    if (damage.kind === 'number' && place + 4 <= bytes.length)
      bytes.writeInt32BE(damage.value, place)
    if (damage.kind === 'cut') bytes = bytes.subarray(0, place)
    if (damage.kind === 'insert') {
      bytes = Buffer.concat([bytes.subarray(0, place), damage.bytes, bytes.subarray(place)])
    }
  }
  return bytes
}

const topicId = '00000000-0000-0000-0000-00000000cafe'

const metadataAnswer: InferInput<typeof metadata.response> = {
  brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }],
  controllerId: 1,
  topics: [
    {
      errorCode: errorCode.NONE,
      name: 't',
      topicId,
      partitions: [
        {
          errorCode: errorCode.NONE,
          partitionIndex: 0,
          leaderId: 1,
          replicaNodes: [1],
          isrNodes: [1],
        },
      ],
    },
  ],
}

const fetchAnswer: InferInput<typeof fetch.response> = {
  responses: [
    {
      topic: 't',
      topicId,
      partitions: [
        {
          partitionIndex: 0,
          errorCode: errorCode.NONE,
          highWatermark: 3,
          lastStableOffset: 3,
          abortedTransactions: [{ producerId: 5n, firstOffset: 1 }],
          records: batchOf(['a', 'b', 'c']),
        },
      ],
    },
  ],
}

/** A peer that answers at once, and what becomes of its connection. */
class Peer implements Socket {
  readonly remote = { host: 'localhost', port: 9092 }
  readonly queuedBytes = 0
  readonly damage: (answer: Buffer) => Buffer
  readonly #version: number
  #handlers: SocketHandlers | undefined
  #closed = false

  constructor(version: number, damage: (answer: Buffer) => Buffer) {
    this.#version = version
    this.damage = damage
  }

  handle(handlers: SocketHandlers): void {
    this.#handlers = handlers
  }

  write(bytes: Uint8Array | readonly Uint8Array[]): boolean {
    const request = Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes)
    const answer = this.#answer(request.subarray(4))
    queueMicrotask(() => {
      if (!this.#closed) this.#handlers?.data(answer)
    })
    return true
  }

  #answer(frame: Buffer): Buffer {
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(frame)
    if (apiKey === metadata.key) {
      const answer = encodeResponse(metadata, apiVersion, correlationId, metadataAnswer)
      return this.damage(Buffer.concat(answer))
    }
    if (apiKey === fetch.key) {
      const answer = encodeResponse(fetch, apiVersion, correlationId, fetchAnswer)
      return this.damage(Buffer.concat(answer))
    }
    const apiKeys = [metadata, fetch].map(({ key, minVersion, maxVersion }) => {
      const version = Math.max(minVersion, Math.min(maxVersion, this.#version))
      return { apiKey: key, minVersion: version, maxVersion: version }
    })
    const body = { errorCode: errorCode.NONE, apiKeys }
    return Buffer.concat(encodeResponse(apiVersions, apiVersion, correlationId, body))
  }

  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    queueMicrotask(() => this.#handlers?.closed())
  }

  end(): void {
    this.destroy()
  }

  pause(): void {}
  resume(): void {}
}

const emptyFetch = {
  replicaId: -1,
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 1000,
  isolationLevel: 1,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [],
  forgottenTopicsData: [],
  rackId: '',
}
const allTopics = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

async function ask(version: number, damage: (answer: Buffer) => Buffer): Promise<unknown[]> {
  const platform = new VirtualPlatform()
  const outcomes: unknown[] = []
  for (const api of ['metadata', 'fetch']) {
    const sockets = { ...platform.sockets, connect: async () => new Peer(version, damage) }
    const connector = wireConnector(
      { sockets, timers: platform.timers, random: platform.random },
      { clientId: 'test', requestTimeoutMs: 1_000, maxFrameBytes: 10_000 },
    )
    const connection = await connector({ host: 'localhost', port: 9092 })
    const answer: Promise<unknown> =
      api === 'metadata'
        ? connection.request(metadata, allTopics)
        : connection.request(fetch, emptyFetch)
    outcomes.push(await platform.until(answer.catch((error: unknown) => error)))
    await connection.close()
    expect(platform.pendingTimers).toBe(0)
  }
  return outcomes
}

test('whatever bytes a broker answers with, a request ends: with an answer or an error of its connection', async () => {
  let refused = 0
  await fc.assert(
    fc.asyncProperty(damages, fc.nat({ max: 17 }), async (list, version) => {
      const outcomes = await ask(version, answer => damaged(answer, list))
      for (const outcome of outcomes) {
        if (!(outcome instanceof Error)) continue
        refused += 1
        expect(outcome).toBeInstanceOf(MillraceError)
        expect(outcome).toMatchObject({
          code: expect.stringMatching(/^(PROTOCOL_ERROR|CONNECTION_LOST)$/),
        })
      }
    }),
    { numRuns: 1_000 },
  )
  expect(refused).toBeGreaterThan(500)
})

test('what is not damaged arrives', async () => {
  for (let version = 0; version <= 17; version += 1) {
    const [topics, records] = await ask(version, answer => answer)
    expect(topics).toMatchObject({ topics: [{ name: 't' }] })
    expect(records).toMatchObject({ responses: [{ partitions: [{ highWatermark: 3 }] }] })
  }
})
