/** What happens to the bytes of a request on their way from a hostile client. */
import type { SeededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { handlers } from '../../src/broker/api/index.ts'
import { apis } from '../../src/protocol/messages/index.ts'
import { lyingBatch, pick } from './hostile-batches.ts'
import type { PooledRequest, RequestPool } from './request-pool.ts'

/** Bytes before the body that every request has: size, API key, version, correlation id. */
const headerBytes = 14

type Mutation = (body: Buffer, random: SeededRandom, pool: RequestPool) => Buffer

/** By name; each takes and gives a frame without its size. */
const mutations: readonly Mutation[] = [
  flipBits,
  setBytes,
  lieAboutNumber,
  cutShort,
  removeBytes,
  insertBytes,
  repeatBytes,
  splice,
  overlongVarint,
  brokenText,
  otherVersion,
  otherKey,
]

/**
 * Draws a request and does something to it; one of four stays as it is. The result is what goes over the wire, with the
 * given number to know the answer by.
 */
export function hostileFrame(
  random: SeededRandom,
  pool: RequestPool,
  correlationId: number,
): Buffer {
  const request = draw(random, pool)
  const frame = random.chance(0.25) ? Buffer.from(request.bytes) : mutated(request, random, pool)
  if (frame.length >= 12) frame.writeInt32BE(correlationId, 8)
  return frame
}

function mutated(request: PooledRequest, random: SeededRandom, pool: RequestPool): Buffer {
  let body: Buffer = Buffer.from(request.bytes.subarray(4))
  const hasBatch = request.batchAt >= 0 && random.chance(0.5)
  if (hasBatch) body = withLyingBatch(body, request.batchAt - 4, random)
  for (let changes = hasBatch ? 0 : 1 + random.below(3); changes > 0; changes--) {
    body = pick(random, mutations)(body, random, pool)
  }
  const size = random.chance(0.03) ? lyingSize(body.length, random) : body.length
  const frame = Buffer.allocUnsafe(4 + body.length)
  frame.writeInt32BE(size, 0)
  body.copy(frame, 4)
  return frame
}

function draw(random: SeededRandom, pool: RequestPool): PooledRequest {
  const keys = random.chance(0.97) ? served : known
  return pick(random, pool.get(pick(random, keys)) ?? [])
}

/** Produce, Fetch and ListOffsets more often than the others: what they leave behind and meet is the most. */
const served = [...handlers.keys()].flatMap(key => (key <= 2 ? Array<number>(8).fill(key) : [key]))
const known = [...apis.keys()]

function withLyingBatch(body: Buffer, at: number, random: SeededRandom): Buffer {
  const size = body.readInt32BE(at + 8) + 12
  if (size < 61 || size > body.length - at) return body
  lyingBatch(body.subarray(at, at + size), random).copy(body, at)
  return body
}

function flipBits(body: Buffer, random: SeededRandom): Buffer {
  for (let flips = 1 + random.below(4); flips > 0; flips--) {
    const at = position(body, random)
    body[at] = (body[at] ?? 0) ^ (1 << random.below(8))
  }
  return body
}

function setBytes(body: Buffer, random: SeededRandom): Buffer {
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    body[position(body, random)] = pick(random, [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff])
  }
  return body
}

/** A length or a count, if it hits one, that is beyond what is there, negative, or as large as can be. */
function lieAboutNumber(body: Buffer, random: SeededRandom): Buffer {
  const size = pick(random, [2, 4, 8])
  if (body.length < size) return body
  const at = random.below(body.length - size + 1)
  const left = body.length - at - size
  const lies = [-1, 0, 1, left - 1, left, left + 1, 0x7fff, 0x7fff_ffff, -0x8000, -2]
  const value = pick(random, lies)
  if (size === 2) body.writeInt16BE((value << 16) >> 16, at)
  else if (size === 4) body.writeInt32BE(value, at)
  else body.writeBigInt64BE(random.chance(0.5) ? BigInt(value) : 2n ** 63n - 1n, at)
  return body
}

function cutShort(body: Buffer, random: SeededRandom): Buffer {
  return body.subarray(0, random.below(body.length + 1))
}

function removeBytes(body: Buffer, random: SeededRandom): Buffer {
  const from = random.below(body.length + 1)
  const to = Math.min(body.length, from + 1 + random.below(8))
  return Buffer.concat([body.subarray(0, from), body.subarray(to)])
}

function insertBytes(body: Buffer, random: SeededRandom): Buffer {
  const at = random.below(body.length + 1)
  const inserted = random.bytes(1 + random.below(8))
  return Buffer.concat([body.subarray(0, at), inserted, body.subarray(at)])
}

function repeatBytes(body: Buffer, random: SeededRandom): Buffer {
  const from = random.below(body.length + 1)
  const part = body.subarray(from, Math.min(body.length, from + 1 + random.below(40)))
  const times = pick(random, [1, 2, 10, 100])
  return Buffer.concat([
    body.subarray(0, from),
    ...Array.from({ length: times }, () => part),
    body.subarray(from),
  ])
}

/** The beginning of one request and the end of another one. */
function splice(body: Buffer, random: SeededRandom, pool: RequestPool): Buffer {
  const other = draw(random, pool).bytes.subarray(4)
  const head = body.subarray(0, random.below(body.length + 1))
  return Buffer.concat([head, other.subarray(random.below(other.length + 1))])
}

function overlongVarint(body: Buffer, random: SeededRandom): Buffer {
  const at = random.below(body.length + 1)
  const varint = Buffer.alloc(pick(random, [5, 6, 10, 11]), 0xff)
  if (random.chance(0.5)) varint[varint.length - 1] = 0x0f
  return Buffer.concat([body.subarray(0, at), varint, body.subarray(at)])
}

function brokenText(body: Buffer, random: SeededRandom): Buffer {
  const at = position(body, random)
  body.fill(pick(random, [0xc3, 0xed, 0xfe]), at, Math.min(body.length, at + 1 + random.below(3)))
  return body
}

function otherVersion(body: Buffer, random: SeededRandom): Buffer {
  const version = random.chance(0.8) ? random.below(20) : pick(random, [-1, 0x7fff, -0x8000])
  if (body.length >= 4) body.writeInt16BE(version, 2)
  return body
}

function otherKey(body: Buffer, random: SeededRandom): Buffer {
  if (body.length >= 2) body.writeInt16BE(random.chance(0.9) ? random.below(80) : -1, 0)
  return body
}

function lyingSize(size: number, random: SeededRandom): number {
  return pick(random, [-1, 0, 1, size - 1, size + 1, size + 100, 0x7fff_ffff, -0x8000_0000])
}

/** Of a byte behind the header, mostly: what is wrong there is seen at once. */
function position(body: Buffer, random: SeededRandom): number {
  const from = random.chance(0.9) ? Math.min(headerBytes - 4, Math.max(body.length - 1, 0)) : 0
  return from + random.below(Math.max(body.length - from, 1))
}
