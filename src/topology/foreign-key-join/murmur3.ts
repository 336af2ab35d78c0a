/**
 * MurmurHash3 of 128 bits for 64-bit machines (Austin Appleby, 2011), as 16 bytes, big-endian, with the seed of Kafka
 * Streams' `Murmur3.hash128`, so that both take the same value for the same.
 *
 * Numbers of 64 bits are two halves of 32 here: bigint would take ten times as long, and this is done for every answer that a
 * join by a foreign key gets. A function that has one for its result leaves it in `high` and `low`.
 */
export function murmur3(data: Buffer): Buffer {
  let aHigh = 0
  let aLow = seed
  let bHigh = 0
  let bLow = seed
  const blocksEnd = data.length & ~15
  for (let at = 0; at < blocksEnd; at += 16) {
    mix1(data.readInt32LE(at + 4), data.readInt32LE(at))
    rotate(aHigh ^ high, aLow ^ low, 27)
    add(high, low, bHigh, bLow)
    multiply(high, low, 0, 5)
    add(high, low, 0, 0x52dce729)
    aHigh = high
    aLow = low
    mix2(data.readInt32LE(at + 12), data.readInt32LE(at + 8))
    rotate(bHigh ^ high, bLow ^ low, 31)
    add(high, low, aHigh, aLow)
    multiply(high, low, 0, 5)
    add(high, low, 0, 0x38495ab5)
    bHigh = high
    bLow = low
  }
  if (blocksEnd < data.length) {
    tail.fill(0)
    data.copy(tail, 0, blocksEnd)
    mix1(tail.readInt32LE(4), tail.readInt32LE(0))
    aHigh ^= high
    aLow ^= low
    mix2(tail.readInt32LE(12), tail.readInt32LE(8))
    bHigh ^= high
    bLow ^= low
  }
  add(aHigh, aLow ^ data.length, bHigh, bLow ^ data.length)
  aHigh = high
  aLow = low
  add(bHigh, bLow ^ data.length, aHigh, aLow)
  finish(high, low)
  bHigh = high
  bLow = low
  finish(aHigh, aLow)
  add(high, low, bHigh, bLow)
  const hash = Buffer.allocUnsafe(16)
  hash.writeInt32BE(high, 0)
  hash.writeInt32BE(low, 4)
  add(bHigh, bLow, high, low)
  hash.writeInt32BE(high, 8)
  hash.writeInt32BE(low, 12)
  return hash
}

const seed = 104_729
const tail = Buffer.alloc(16)

let high = 0
let low = 0

function mix1(blockHigh: number, blockLow: number): void {
  multiply(blockHigh, blockLow, 0x87c37b91, 0x114253d5)
  rotate(high, low, 31)
  multiply(high, low, 0x4cf5ad43, 0x2745937f)
}

function mix2(blockHigh: number, blockLow: number): void {
  multiply(blockHigh, blockLow, 0x4cf5ad43, 0x2745937f)
  rotate(high, low, 33)
  multiply(high, low, 0x87c37b91, 0x114253d5)
}

/** A shift of 33 bits moves what is left of the upper half, shifted by one, into the lower one. */
function finish(ofHigh: number, ofLow: number): void {
  multiply(ofHigh, ofLow ^ (ofHigh >>> 1), 0xff51afd7, 0xed558ccd)
  multiply(high, low ^ (high >>> 1), 0xc4ceb9fe, 0x1a85ec53)
  low ^= high >>> 1
}

function add(oneHigh: number, oneLow: number, twoHigh: number, twoLow: number): void {
  const sum = (oneLow >>> 0) + (twoLow >>> 0)
  low = sum | 0
  high = (oneHigh + twoHigh + (sum > 0xffffffff ? 1 : 0)) | 0
}

function multiply(oneHigh: number, oneLow: number, twoHigh: number, twoLow: number): void {
  const a0 = oneLow & 0xffff
  const a1 = oneLow >>> 16
  const b0 = twoLow & 0xffff
  const b1 = twoLow >>> 16
  const a0b1 = a0 * b1
  const a1b0 = a1 * b0
  const middle = ((a0 * b0) >>> 16) + (a0b1 & 0xffff) + (a1b0 & 0xffff)
  const carried = a1 * b1 + (a0b1 >>> 16) + (a1b0 >>> 16) + (middle >>> 16)
  low = Math.imul(oneLow, twoLow)
  high = (carried + Math.imul(oneHigh, twoLow) + Math.imul(oneLow, twoHigh)) | 0
}

/** To the left, by 1 to 63 bits but not by 32. */
function rotate(ofHigh: number, ofLow: number, by: number): void {
  const upper = by < 32 ? ofHigh : ofLow
  const lower = by < 32 ? ofLow : ofHigh
  const bits = by & 31
  high = (upper << bits) | (lower >>> (32 - bits))
  low = (lower << bits) | (upper >>> (32 - bits))
}
