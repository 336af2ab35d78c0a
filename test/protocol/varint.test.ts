import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { varintSize, varlongSize, writeVarint, writeVarlong } from '../../src/protocol/varint.ts'

const edges = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 27, 2 ** 31 - 1, -(2 ** 31)]
const longEdges = [...edges, 2 ** 31, -(2 ** 31) - 1, 2 ** 34, 2 ** 35, -(2 ** 34), 2 ** 48]

test('32-bit numbers are written as bigint arithmetic says', () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.constantFrom(...edges)), value => {
      const target = Buffer.alloc(10)
      const end = writeVarint(target, value, 0)
      expect(target.subarray(0, end)).toEqual(byDefinition(value))
      expect(varintSize(value)).toBe(end)
    }),
  )
})

test('so are safe integers', () => {
  const some = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(...longEdges))
  fc.assert(
    fc.property(some, value => {
      const target = Buffer.alloc(10)
      const end = writeVarlong(target, value, 0)
      expect(target.subarray(0, end)).toEqual(byDefinition(value))
      expect(varlongSize(value)).toBe(end)
    }),
    { numRuns: 1000 },
  )
})

function byDefinition(value: number): Buffer {
  const big = BigInt(value)
  let rest = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n))
  const bytes: number[] = []
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
