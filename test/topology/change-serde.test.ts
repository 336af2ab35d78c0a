import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { string } from '../../src/index.ts'
import { changeSerde } from '../../src/topology/change-serde.ts'

const serde = changeSerde(string())

/** What Kafka's `ChangedSerializer` writes: an application that moves over finds half read repartition topics. */
describe('bytes of a change', () => {
  const examples = [
    { newValue: 'ab', oldValue: null, hex: '616201' },
    { newValue: null, oldValue: 'ab', hex: '616200' },
    { newValue: 'ab', oldValue: 'c', hex: '0461626302' },
    { newValue: '', oldValue: 'c', hex: '006302' },
  ]
  test.each(examples)('$hex', ({ newValue, oldValue, hex }) => {
    expect(serde.serialize({ newValue, oldValue }).toString('hex')).toBe(hex)
    expect(serde.deserialize(Buffer.from(hex, 'hex'))).toEqual({ newValue, oldValue })
  })

  test.each([
    { hex: '61620104', newValue: 'ab', oldValue: null },
    { hex: '61620003', newValue: null, oldValue: 'ab' },
    { hex: '046162630105', newValue: 'ab', oldValue: 'c' },
  ])('$hex, which says whether it is the latest', ({ hex, ...change }) => {
    expect(serde.deserialize(Buffer.from(hex, 'hex'))).toEqual(change)
  })

  test.each(['', '06', '0a616202', '80'])('%s is refused', hex => {
    expect(() => serde.deserialize(Buffer.from(hex, 'hex'))).toThrow(RangeError)
  })
})

test('what is written is read', () => {
  const value = fc.option(fc.string({ maxLength: 200 }))
  fc.assert(
    fc.property(value, value, (newValue, oldValue) => {
      fc.pre(newValue !== null || oldValue !== null)
      const change = { newValue, oldValue }
      expect(serde.deserialize(serde.serialize(change))).toEqual(change)
    }),
  )
})
