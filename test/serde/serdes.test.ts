import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  MillraceError,
  type Serde,
  boolean,
  bytes,
  double,
  float,
  integer,
  json,
  list,
  long,
  sessionWindowed,
  short,
  string,
  tumbling,
  uuid,
  voidSerde,
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
  test('short', () => roundTrips(short(), fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })))
  test('float', () => roundTrips(float(), fc.float()))
  test('boolean', () => roundTrips(boolean(), fc.boolean()))
  test('uuid', () => roundTrips(uuid(), fc.uuid()))
  test('list of entries with sizes', () =>
    roundTrips(list(string()), fc.array(fc.option(wellFormed))))
  test('list of entries of one size', () =>
    roundTrips(list(long()), fc.array(fc.option(safeInteger))))
  test('list of lists', () =>
    roundTrips(list(list(boolean())), fc.array(fc.array(fc.option(fc.boolean())))))
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
  test('windowed by a definition of windows', () => {
    const windows = tumbling(10, { offset: 3 })
    roundTrips(
      windowed(string(), windows),
      fc.record({ key: wellFormed, time: fc.nat() }).map(({ key, time }) => ({
        key,
        window: windows.windowsFor(time)[0] ?? { start: 0, end: 0 },
      })),
    )
  })
  test('session-windowed', () =>
    roundTrips(
      sessionWindowed(string()),
      fc.record({
        key: wellFormed,
        window: fc.record({ start: fc.maxSafeNat(), end: fc.maxSafeNat() }),
      }),
    ))
})

const someId = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

describe('bytes are those of the Java serializers', () => {
  test.each([
    ['string', string().serialize('ü'), 'c3bc'],
    ['integer', integer().serialize(-2), 'fffffffe'],
    ['long', long().serialize(-2), 'fffffffffffffffe'],
    ['long', long().serialize(2 ** 40 + 5), '0000010000000005'],
    ['double', double().serialize(1.5), '3ff8000000000000'],
    ['short', short().serialize(-2), 'fffe'],
    ['float', float().serialize(1.1), '3f8ccccd'],
    ['boolean', boolean().serialize(true), '01'],
    ['uuid', uuid().serialize(someId), Buffer.from(someId).toString('hex')],
    [
      'list of longs',
      list(long()).serialize([1, null, 3]),
      '0000000001000000010000000300000000000000010000000000000003',
    ],
    [
      'list of strings',
      list(string()).serialize(['a', null, 'bc', '']),
      '01000000040000000161ffffffff00000002626300000000',
    ],
    ['list of booleans', list(boolean()).serialize([true, null]), '01000000020000000101ffffffff'],
    [
      'list of lists',
      list(list(short())).serialize([[1]]),
      '01000000010000000b0000000000000000010001',
    ],
    [
      'windowed',
      windowed(string(), 10).serialize({ key: 'k', window: { start: 256, end: 266 } }),
      '6b0000000000000100',
    ],
    [
      'session-windowed: the end comes first',
      sessionWindowed(string()).serialize({ key: 'k', window: { start: 256, end: 266 } }),
      '6b000000000000010a0000000000000100',
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
    expect(() => sessionWindowed(string()).deserialize(Buffer.alloc(15))).toThrow('at least 16')
  })
})

describe('what is not of its serde is refused', () => {
  test.each([
    ['a boolean of no byte', () => boolean().deserialize(Buffer.alloc(0)), 'not nothing'],
    ['a boolean of 2', () => boolean().deserialize(Buffer.from([2])), 'not 02'],
    [
      'a short of 4 bytes',
      () => short().deserialize(Buffer.alloc(4)),
      'A short has 2 bytes, not 4',
    ],
    [
      'a float of 8 bytes',
      () => float().deserialize(Buffer.alloc(8)),
      'A float has 4 bytes, not 8',
    ],
    ['a number too large for a float', () => float().serialize(1e39), 'beyond the range'],
    ['a text that is no UUID', () => uuid().deserialize(Buffer.from('x')), '"x" is not a UUID'],
    [
      'bytes where none may be',
      () => voidSerde().deserialize(Buffer.alloc(3)),
      'there are 3 bytes',
    ],
    ['a list of nothing', () => list(long()).deserialize(Buffer.alloc(0)), 'A list of 0 bytes'],
    ['a list of a third kind', () => list(long()).deserialize(Buffer.from([2])), 'not 2'],
    [
      'a list of entries of one size, by a serde that has none',
      () => list(string()).deserialize(list(long()).serialize([1])),
      'those of string have not',
    ],
  ])('%s', (_, read, sentence) => {
    expect(read).toThrow(RangeError)
    expect(read).toThrow(sentence)
  })

  test('a list that is not as long as it says, at once', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(list(string()), list(long())),
        fc.uint8Array({ maxLength: 40 }),
        (serde, random) => {
          const written = Buffer.concat([Buffer.from([0]), Buffer.from(random)])
          try {
            expect(serde.deserialize(written).length).toBeLessThanOrEqual(40)
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        },
      ),
    )
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
