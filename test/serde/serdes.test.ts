import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  MillraceError,
  type Serde,
  bytes,
  double,
  integer,
  json,
  long,
  string,
  windowed,
} from '../../src/index.ts'

/** A value survives being written, wherever in a larger buffer its bytes are read from. */
function roundTrips<T>(serde: Serde<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, fc.nat(5), (value, before) => {
      const written = serde.serialize(value)
      const batch = Buffer.concat([Buffer.alloc(before, 0xff), written, Buffer.alloc(3, 0xff)])
      expect(serde.deserialize(batch.subarray(before, before + written.length))).toEqual(value)
    }),
  )
}

const safeInteger = fc.maxSafeInteger()
const wellFormed = fc.string({ unit: 'grapheme' })

describe('round trips', () => {
  test('string', () => roundTrips(string(), wellFormed))
  test('integer', () => roundTrips(integer(), fc.integer()))
  test('long', () => roundTrips(long(), safeInteger))
  test('double', () => roundTrips(double(), fc.double()))
  test('bytes', () =>
    roundTrips(
      bytes(),
      fc.uint8Array().map(array => Buffer.from(array)),
    ))
  // JSON.stringify writes -0 as 0, so only what has gone through its text once can come back equal.
  test('json', () =>
    roundTrips(
      json(),
      fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
    ))
  test('windowed', () =>
    roundTrips(
      windowed(string(), 10),
      fc.record({ key: wellFormed, start: fc.maxSafeNat() }).map(({ key, start }) => ({
        key,
        window: { start, end: start + 10 },
      })),
    ))
})

describe('bytes are those of the Java serializers', () => {
  test.each([
    ['string', string().serialize('ü'), 'c3bc'],
    ['integer', integer().serialize(-2), 'fffffffe'],
    ['long', long().serialize(-2), 'fffffffffffffffe'],
    ['long', long().serialize(2 ** 40 + 5), '0000010000000005'],
    ['double', double().serialize(1.5), '3ff8000000000000'],
    [
      'windowed',
      windowed(string(), 10).serialize({ key: 'k', window: { start: 256, end: 266 } }),
      '6b0000000000000100',
    ],
  ])('%s', (_, written, hex) => expect(written.toString('hex')).toBe(hex))
})

describe('long', () => {
  test('agrees with bigint arithmetic on every safe integer', () => {
    fc.assert(
      fc.property(safeInteger, value => {
        expect(long().serialize(value).readBigInt64BE(0)).toBe(BigInt(value))
      }),
    )
  })

  test('refuses what a number cannot hold', () => {
    const tooLarge = Buffer.alloc(8)
    tooLarge.writeBigInt64BE(2n ** 53n)
    expect(() => long().deserialize(tooLarge)).toThrow('beyond 2^53')
    expect(() => long().serialize(2 ** 53)).toThrow('not a safe integer')
    expect(() => long().serialize(0.5)).toThrow('not a safe integer')
  })

  test('refuses another number of bytes', () => {
    expect(() => long().deserialize(Buffer.alloc(4))).toThrow('A long has 8 bytes, not 4')
    expect(() => integer().deserialize(Buffer.alloc(8))).toThrow('An integer has 4 bytes, not 8')
    expect(() => double().deserialize(Buffer.alloc(0))).toThrow('A double has 8 bytes, not 0')
    expect(() => windowed(string(), 1).deserialize(Buffer.alloc(7))).toThrow('at least 8 bytes')
  })
})

test('bytes that were read do not change with the batch they came from', () => {
  const batch = Buffer.from('abc')
  const read = bytes().deserialize(batch)
  batch.fill(0)
  expect(read.toString()).toBe('abc')
})

describe('json with a schema', () => {
  const Flight = z.object({ origin: z.string(), legs: z.array(z.object({ delay: z.number() })) })

  test('gives the output of the schema', () => {
    const serde = json(z.object({ at: z.iso.datetime().transform(text => new Date(text)) }))
    const value = { at: new Date('2001-01-31T18:20:00Z') }
    expect(serde.deserialize(serde.serialize(value))).toEqual(value)
  })

  test('says where a value is wrong', () => {
    const text = JSON.stringify({ origin: 'ABQ', legs: [{ delay: 1 }, { delay: 'two' }] })
    const read = (): unknown => json(Flight).deserialize(Buffer.from(text))
    expect(read).toThrow(MillraceError)
    expect(read).toThrow('at legs.1.delay: Invalid input: expected number, received string')
  })

  test('says what is wrong with the whole value', () => {
    expect(() => json(Flight).deserialize(Buffer.from('null'))).toThrow('expected object')
  })

  test('refuses schemas that check asynchronously', () => {
    const schema = z.string().refine(async () => true)
    expect(() => json(schema).deserialize(Buffer.from('"x"'))).toThrow('checks asynchronously')
  })
})

describe('json', () => {
  test('shows the beginning of what is not JSON', () => {
    expect(() => json().deserialize(Buffer.from('<html>'))).toThrow('This is not JSON: "<html>".')
  })

  test('refuses to write what has no JSON text', () => {
    expect(() => json().serialize(undefined)).toThrow('type undefined cannot be written')
  })
})
