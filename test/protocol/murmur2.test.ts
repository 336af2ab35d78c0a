import { createRequire } from 'node:module'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { murmur2, partitionForKey } from '../../src/protocol/murmur2.ts'

const require = createRequire(import.meta.url)
const kafkajsMurmur2 = require('../../node_modules/kafkajs/src/producer/partitioners/default/murmur2.js')

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('%s hashes as in Kafka', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
})

test('keys go where kafkajs sends them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 100 }), (key, n) => {
      const bytes = Buffer.from(key)
      expect(murmur2(bytes)).toBe(kafkajsMurmur2(bytes))
      expect(partitionForKey(bytes, n)).toBe((kafkajsMurmur2(bytes) & 0x7fffffff) % n)
    }),
  )
})
