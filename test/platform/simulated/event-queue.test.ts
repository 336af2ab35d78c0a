import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventQueue, type QueuedEvent } from '../../../src/platform/simulated/event-queue.ts'

test('gives events by time, then in the order in which they were added, whatever is removed between', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add'), n: fc.nat(8) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('next'), n: fc.nat(10) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), n: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('removeAllOf'), n: fc.nat(8) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const queue = new EventQueue<number>()
      let model: QueuedEvent<number>[] = []
      const everything: QueuedEvent<number>[] = []
      for (const { kind, n } of steps) {
        if (kind === 'add') {
          const event = queue.add(n, n % 3, () => {})
          model.push(event)
          everything.push(event)
          // Array.sort keeps the order of equals.
          model.sort((one, other) => one.timeMs - other.timeMs)
        } else if (kind === 'next') {
          const expected =
            model[0] !== undefined && model[0].timeMs <= n ? model.shift() : undefined
          expect(queue.next(n)).toBe(expected)
        } else if (kind === 'remove') {
          const event = everything[n]
          if (event !== undefined) queue.remove(event)
          model = model.filter(other => other !== event)
        } else {
          queue.removeAllOf(n % 3)
          model = model.filter(event => event.owner !== n % 3)
        }
        expect(queue.isEmpty).toBe(model.length === 0)
      }
      while (model.length > 0) expect(queue.next(Infinity)).toBe(model.shift())
    }),
    { numRuns: 500 },
  )
})
