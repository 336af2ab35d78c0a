/**
 * Valid requests of every API in every version, from which hostile ones are made. Names, numbers and batches come from a
 * small dictionary, so that requests meet each other's topics, groups and producers instead of things that do not exist.
 */
import * as fc from 'fast-check'
import { encodeRequest } from '../../src/protocol/frame.ts'
import { apis } from '../../src/protocol/messages/index.ts'
import type { AnyApi, PrimitiveKind } from '../../src/protocol/schema.ts'
import { messageArbitrary } from '../protocol/message-arbitrary.ts'
import { hostileBatches } from './hostile-batches.ts'

export const fuzzTopics = ['fuzz-a', 'fuzz-b', 'fuzz-compacted'] as const

export interface PooledRequest {
  readonly apiKey: number
  /** The frame with its size. */
  readonly bytes: Buffer
  /** Where a record batch begins in it; -1 when it has none. */
  readonly batchAt: number
}

/** By API key: every API is drawn as often as any other, whatever its number of versions. */
export type RequestPool = ReadonlyMap<number, readonly PooledRequest[]>

const names = [
  ...fuzzTopics,
  'fuzz-new',
  'fuzz-group',
  'fuzz-transaction',
  '__consumer_offsets',
  '__transaction_state',
  '',
  'consumer',
  'range',
  'cleanup.policy',
  'compact',
  'segment.bytes',
  'retention.ms',
  '100',
]

function primitives(
  batches: readonly Buffer[],
): Partial<Record<PrimitiveKind, fc.Arbitrary<unknown>>> {
  const small = fc.constantFrom(0, 0, 0, 1, 1, 2, 3, -1, 10, 1_000, 30_000)
  const sometimes = (
    usual: fc.Arbitrary<unknown>,
    other: fc.Arbitrary<unknown>,
  ): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other })
  const text = fc.string({ unit: 'grapheme', maxLength: 40 })
  return {
    int8: sometimes(fc.constantFrom(0, 1, 2, 3, -1), fc.integer({ min: -0x80, max: 0x7f })),
    int16: sometimes(fc.constantFrom(0, 1, -1, 2), fc.integer({ min: -0x8000, max: 0x7fff })),
    int32: sometimes(small, fc.integer()),
    int64: sometimes(small, fc.maxSafeInteger()),
    int64Big: sometimes(
      small.map(value => BigInt(value)),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ),
    string: sometimes(fc.constantFrom(...names), text),
    records: fc.constantFrom(...batches),
  }
}

export function requestPool(seed: number): RequestPool {
  const batches = hostileBatches(seed)
  const dictionary = primitives(batches)
  const pool = new Map<number, PooledRequest[]>()
  for (const api of apis.values()) {
    const requests: PooledRequest[] = []
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      const hasBatch = api.key === PRODUCE
      const values = fc.sample(messageArbitrary(api.request, version, dictionary), {
        seed: seed + version,
        numRuns: hasBatch ? 60 : 12,
      })
      for (const value of values) {
        const bytes = encode(api, version, value)
        const batchAt = hasBatch ? firstBatch(bytes, batches) : -1
        requests.push({ apiKey: api.key, bytes, batchAt })
      }
    }
    pool.set(api.key, requests)
  }
  return pool
}

function encode(api: AnyApi, version: number, value: unknown): Buffer {
  return Buffer.from(encodeRequest(api, version, { correlationId: 0, clientId: 'fuzz' }, value))
}

function firstBatch(bytes: Buffer, batches: readonly Buffer[]): number {
  for (const batch of batches) {
    const at = bytes.indexOf(batch)
    if (at >= 0) return at
  }
  return -1
}

const PRODUCE = 0
