import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { JavaTreeSet } from '../../../src/topology/describe/java-tree-set.ts'

test('values come in their order, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 })), numbers => {
      const set = new JavaTreeSet<number>((one, two) => one - two)
      for (const number of numbers) set.add(number)
      expect([...set]).toEqual([...new Set(numbers)].sort((one, two) => one - two))
    }),
  )
})

test('a value is compared with those on its way alone, as they are now', () => {
  const set = new JavaTreeSet<{ size: number }>((one, two) => one.size - two.size)
  const values = [10, 20, 30].map(size => ({ size }))
  for (const value of values) set.add(value)
  // 20 has become the root; what it was under it is not looked at again.
  const [ten] = values
  if (ten !== undefined) ten.size = 100
  set.add({ size: 25 })
  expect([...set].map(({ size }) => size)).toEqual([100, 20, 25, 30])
})
