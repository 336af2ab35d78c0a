import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { checkWrites, isFlushDue, writeSlots } from '../../src/state/write-numbers.ts'

/** The ring as the database would hold it when some of `count` writes were lost. */
function slotsAfter(count: number, lost: ReadonlySet<number>): number[] {
  const slots = new Map<number, number>()
  for (let write = 1; write <= count; write++) {
    if (!lost.has(write)) slots.set(write % writeSlots, write)
  }
  return [...slots.values()]
}

test('a lost write shows unless nothing was written after it', () => {
  const history = fc.integer({ min: 1, max: 3 * writeSlots }).chain(count =>
    fc.record({
      count: fc.constant(count),
      lost: fc.uniqueArray(fc.integer({ min: Math.max(1, count - writeSlots + 1), max: count })),
    }),
  )
  fc.assert(
    fc.property(history, ({ count, lost }) => {
      const gone = new Set(lost)
      let last = count
      while (gone.has(last)) last--
      const { lastWrite, hasGap } = checkWrites(slotsAfter(count, gone))
      expect(lastWrite).toBe(last)
      expect(hasGap).toBe(lost.some(write => write < last))
    }),
    { numRuns: 100 },
  )
})

test('an empty ring is that of a new database', () => {
  expect(checkWrites([])).toEqual({ lastWrite: 0, hasGap: false })
})

test('what is older than the ring can show was flushed before', () => {
  const flushes = Array.from({ length: 3 * writeSlots }, (_, i) => i).filter(isFlushDue)
  flushes.slice(1).forEach((write, i) => expect(write - (flushes[i] ?? 0)).toBeLessThan(writeSlots))
})
