import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { RowCache } from '../../src/state/row-cache.ts'

test('a cached row is the last one set; deleted and cleared rows are gone', () => {
  const key = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('set' as const),
      key,
      size: fc.integer({ min: 1, max: 900_000 }),
    }),
    fc.record({ kind: fc.constant('delete' as const), key }),
    fc.record({ kind: fc.constant('get' as const), key }),
    fc.record({ kind: fc.constant('clear' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step), steps => {
      const cache = new RowCache()
      const model = new Map<string, Buffer>()
      for (const step of steps) {
        if (step.kind === 'set') {
          const row = Buffer.alloc(step.size)
          cache.set(step.key, row)
          model.set(step.key, row)
        } else if (step.kind === 'delete') {
          cache.delete(step.key)
          model.delete(step.key)
        } else if (step.kind === 'clear') {
          cache.clear()
          model.clear()
        } else {
          const row = cache.get(step.key)
          // It may have been forgotten, but what is there is right.
          if (row !== undefined) expect(row).toBe(model.get(step.key))
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('a row that is used stays while others come and go', () => {
  const cache = new RowCache()
  const row = Buffer.alloc(10)
  cache.set('busy', row)
  for (let i = 0; i < 100; i++) {
    cache.set(`other-${i}`, Buffer.alloc(100_000))
    expect(cache.get('busy')).toBe(row)
  }
  expect(cache.get('other-0')).toBeUndefined()
})
