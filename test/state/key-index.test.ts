import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { KeyIndex } from '../../src/state/key-index.ts'

const key = fc.integer({ min: 0, max: 4000 }).map(number => number.toString(36))
const bound = fc.option(key, { nil: undefined })
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ add: fc.array(key, { maxLength: 400 }) }) },
  { weight: 4, arbitrary: fc.record({ delete: fc.array(key, { maxLength: 400 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ begin: fc.record({ from: bound, to: bound, reverse: fc.boolean() }) }),
  },
  { weight: 1, arbitrary: fc.constant({ clear: true }) },
)

test('is a sorted set whose ranges stay as they were when they began', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const index = new KeyIndex()
      const model = new Set<string>()
      const open: { keys: Iterator<string>; expected: string[] }[] = []
      for (const each of steps) {
        if ('add' in each) {
          for (const one of each.add) {
            expect(index.add(one)).toBe(!model.has(one))
            model.add(one)
          }
        } else if ('delete' in each) {
          for (const one of each.delete) expect(index.delete(one)).toBe(model.delete(one))
        } else if ('begin' in each) {
          const { from, to, reverse } = each.begin
          const expected = [...model]
            .filter(one => (from === undefined || one >= from) && (to === undefined || one < to))
            .sort()
          if (reverse) expected.reverse()
          const keys = index.range(each.begin)[Symbol.iterator]()
          open.push({ keys, expected })
        } else {
          index.clear()
          model.clear()
        }
        expect(index.size).toBe(model.size)
      }
      for (const { keys, expected } of open) {
        const rest: string[] = []
        for (let next = keys.next(); next.done !== true; next = keys.next()) rest.push(next.value)
        expect(rest).toEqual(expected)
      }
      expect([...index.range({})]).toEqual([...model].sort())
      for (const one of model) expect(index.has(one)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('keeps full leaves when keys come in order', () => {
  const index = new KeyIndex()
  for (let number = 0; number < 100_000; number++) index.add(String(number).padStart(8, '0'))
  expect(index.size).toBe(100_000)
  expect([...index.range({ from: '00050000', to: '00050003' })]).toEqual([
    '00050000',
    '00050001',
    '00050002',
  ])
  expect([...index.range({ from: '00099998', reverse: true })]).toEqual(['00099999', '00099998'])
})
