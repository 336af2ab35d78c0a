import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/errors.ts'
import { codecIds, codecOf, compress, decompress } from '../../src/protocol/compression.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const compressing = ['gzip', 'snappy', 'lz4', 'zstd'] as const
const limit = 1 << 20

/** Bytes that compress in all sorts of ways: noise, runs, repeats near and far. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map(a => Buffer.from(a)),
      fc.tuple(fc.nat(255), fc.nat(70_000)).map(([byte, n]) => Buffer.alloc(n, byte)),
      fc.string({ maxLength: 50 }).map(text => Buffer.from(text.repeat(40))),
    ),
    { maxLength: 8 },
  )
  .map(parts => Buffer.concat(parts))

describe.each(codecs)('%s', codec => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(content, bytes => {
        expect(decompress(codec, compress(codec, bytes), limit).equals(bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('has a number of its own', () => {
    expect(codecOf(codecIds[codec])).toBe(codec)
  })
})

test('numbers without a codec have none', () => {
  expect(codecOf(5)).toBeUndefined()
})

describe.each(compressing)('%s from elsewhere', codec => {
  test('is refused when damaged or cut, and nothing else happens', () => {
    const bytes = compress(codec, Buffer.from('some text that repeats, some text '.repeat(50)))
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 3 })
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, length) => {
        const damaged = Buffer.from(bytes.subarray(0, length))
        for (const [at, byte] of changes) if (at < length) damaged[at] = byte
        try {
          expect(decompress(codec, damaged, limit).length).toBeLessThanOrEqual(limit)
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError)
          expect(error).toHaveProperty('code', 'PROTOCOL_ERROR')
        }
      }),
      { numRuns: 400 },
    )
  })

  test('cannot grow beyond the limit', () => {
    const bomb = compress(codec, Buffer.alloc(20 * limit))
    expect(bomb.length).toBeLessThan(limit)
    expect(() => decompress(codec, bomb, limit)).toThrow(/Cannot decompress .* at most 1048576/)
    expect(decompress(codec, compress(codec, Buffer.alloc(limit)), limit).length).toBe(limit)
  })
})

test('bare snappy blocks, as librdkafka sends them, are read', () => {
  fc.assert(
    fc.property(content, bytes => {
      expect(decompress('snappy', snappyCompress(bytes), limit).equals(bytes)).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test('snappy blocks that claim more than they hold take no memory for it', () => {
  const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61])
  expect(() => decompress('snappy', claim, limit)).toThrow(/another length than it claims/)
})

test('a match may not take its distance from behind its block', () => {
  // One literal, then half of a distance; the zero of the end mark would make it whole.
  const cut = Buffer.from('04224d186040820300000010610100000000', 'hex')
  expect(() => decompress('lz4', cut, limit)).toThrow(/an LZ4 block ends within a match/)
  // A literal of 256 bytes, then a copy whose second byte would be the first of the next block's length.
  const header = Buffer.from('82534e41505059000000000100000001000001058402f0ff', 'hex')
  const framed = Buffer.concat([
    header,
    Buffer.alloc(256, 'a'),
    Buffer.from('2100000003010062', 'hex'),
  ])
  expect(() => decompress('snappy', framed, limit)).toThrow(/a snappy block ends within a copy/)
})

test('LZ4 frames with sizes, checksums and several frames are read', () => {
  const text = Buffer.from('text '.repeat(100))
  const plain = lz4Compress(text)
  expect(decompress('lz4', Buffer.concat([plain, plain]), limit).toString()).toBe(
    'text '.repeat(200),
  )
  // The same block in a frame with content size, block checksums and content checksum.
  const block = plain.subarray(7, plain.length - 4)
  const header = Buffer.from('04224d187c40f4010000000000000000', 'hex').subarray(0, 15)
  const rich = Buffer.concat([header, block, Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)])
  expect(decompress('lz4', rich, limit).equals(text)).toBe(true)
  const skippable = Buffer.from('502a4d1803000000616263', 'hex')
  expect(decompress('lz4', Buffer.concat([skippable, plain]), limit).equals(text)).toBe(true)
})

test('other writers of gzip and zstd are read', () => {
  const text = Buffer.from('text '.repeat(100))
  expect(decompress('gzip', gzipSync(text, { level: 1 }), limit).equals(text)).toBe(true)
  expect(decompress('zstd', zstdCompressSync(text), limit).equals(text)).toBe(true)
})
