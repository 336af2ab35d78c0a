import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { murmur3 } from '../../src/topology/foreign-key-join/murmur3.ts'

/** What `Murmur3.hash128` of Kafka Streams 4.3.1 gives. */
const recorded = {
  '': '9d2764a018e329428c3cf3b035938518',
  a: '3361634e7e0f5188e9c7dda24eae326b',
  hello: '30bfb4f39919e764566aea857401d1c6',
  '0123456789abcdef': '1a6e941ec6a76967d7d82808f505d6b1',
  '0123456789abcdefg': 'a93635c3ece7b605aeed6784d1b08b32',
  'The quick brown fox jumps over the lazy dog, twice.': '7542dc00b5a4004333b7ab458c735609',
}

test.each(Object.entries(recorded))('of %j it is what Kafka Streams has', (text, hash) => {
  expect(murmur3(Buffer.from(text)).toString('hex')).toBe(hash)
})

/** The same by bigint, as the algorithm is written down. */
function plainly(data: Buffer): string {
  const wrap = (value: bigint): bigint => BigInt.asUintN(64, value)
  const rotate = (value: bigint, by: bigint): bigint => wrap(value << by) | (value >> (64n - by))
  const c1 = 0x87c37b91114253d5n
  const c2 = 0x4cf5ad432745937fn
  const mix1 = (block: bigint): bigint => wrap(rotate(wrap(block * c1), 31n) * c2)
  const mix2 = (block: bigint): bigint => wrap(rotate(wrap(block * c2), 33n) * c1)
  const finish = (value: bigint): bigint => {
    let mixed = wrap((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn)
    mixed = wrap((mixed ^ (mixed >> 33n)) * 0xc4ceb9fe1a85ec53n)
    return mixed ^ (mixed >> 33n)
  }
  let h1 = 104_729n
  let h2 = 104_729n
  const end = data.length & ~15
  for (let at = 0; at < end; at += 16) {
    h1 = wrap((rotate(h1 ^ mix1(data.readBigUInt64LE(at)), 27n) + h2) * 5n + 0x52dce729n)
    h2 = wrap((rotate(h2 ^ mix2(data.readBigUInt64LE(at + 8)), 31n) + h1) * 5n + 0x38495ab5n)
  }
  const rest = Buffer.concat([data.subarray(end), Buffer.alloc(16)])
  h1 ^= mix1(rest.readBigUInt64LE(0)) ^ BigInt(data.length)
  h2 ^= mix2(rest.readBigUInt64LE(8)) ^ BigInt(data.length)
  h1 = wrap(h1 + h2)
  h2 = wrap(h2 + h1)
  h1 = finish(h1)
  h2 = finish(h2)
  h1 = wrap(h1 + h2)
  h2 = wrap(h2 + h1)
  return [h1, h2].map(half => half.toString(16).padStart(16, '0')).join('')
}

test('of any bytes it is what the algorithm says', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      const data = Buffer.from(bytes)
      expect(murmur3(data).toString('hex')).toBe(plainly(data))
    }),
    { numRuns: 2000 },
  )
})
