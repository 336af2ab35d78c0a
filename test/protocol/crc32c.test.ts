import { lz4Compress } from '@platformatic/wasm-utils'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from '../../src/protocol/crc32c.ts'

test('known values (RFC 3720, B.4)', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e)
  expect(crc32c(Buffer.alloc(0))).toBe(0)
})

test('empty input is fine after the memory of the library has grown', () => {
  lz4Compress(Buffer.alloc(20_000_000))
  expect(crc32c(Buffer.alloc(0))).toBe(0)
})

test('agrees with the definition, bit by bit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 9000 }), array => {
      const bytes = Buffer.from(array)
      expect(crc32c(bytes)).toBe(byDefinition(bytes))
    }),
    { numRuns: 200 },
  )
})

function byDefinition(bytes: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1))
  }
  return ~crc >>> 0
}
