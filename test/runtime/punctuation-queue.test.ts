import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { nextOnGrid, PunctuationQueue } from '../../src/runtime/punctuation-queue.ts'

const safe = fc.maxSafeNat()
const interval = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 2 ** 53 - 1 }))

test('the next time on a grid is after now and at most an interval away', () => {
  fc.assert(
    fc.property(safe, interval, safe, (start, every, time) => {
      const now = Math.max(start, time)
      const next = nextOnGrid(start, every, now)
      expect(next).toBeGreaterThan(now)
      if (!Number.isSafeInteger(next)) return
      expect(next - now).toBeLessThanOrEqual(every)
      expect((next - start) % every).toBe(0)
    }),
  )
})

/** Every punctuation has its times on a list; the earliest of those that have passed decides whose turn it is. */
test('what is due is called once, in the order of its time, and stays on its grid', () => {
  const jumps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 })
  const intervals = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 6 })
  fc.assert(
    fc.property(intervals, jumps, (everies, steps) => {
      const queue = new PunctuationQueue<number>()
      const due = new Map(everies.map(every => [every, every]))
      for (const every of everies) {
        queue.schedule({ node: every, startMs: every, everyMs: every }, () => {})
      }
      let now = 0
      for (const step of steps) {
        now += step
        const called: number[] = []
        const wasDue = [...due].filter(([, time]) => time <= now)
        queue.punctuate(now, node => called.push(node))
        expect(new Set(called)).toEqual(new Set(wasDue.map(([every]) => every)))
        expect(called.map(every => due.get(every))).toEqual(
          wasDue.map(([, time]) => time).sort((a, b) => a - b),
        )
        for (const every of called) due.set(every, (Math.floor(now / every) + 1) * every)
        expect(queue.nextMs).toBe(Math.min(Infinity, ...due.values()))
      }
    }),
  )
})

test('of three that are due at once the last comes second, as in Java', () => {
  const queue = new PunctuationQueue<string>()
  for (const node of ['a', 'b', 'c']) queue.schedule({ node, startMs: 0, everyMs: 10 }, () => {})
  const called: string[] = []
  queue.punctuate(0, node => called.push(node))
  expect(called).toEqual(['a', 'c', 'b'])
})

test('the largest timestamp there is fires once and does not hang', () => {
  const queue = new PunctuationQueue<string>()
  queue.schedule({ node: 'a', startMs: 0, everyMs: 1 }, () => {})
  let calls = 0
  expect(queue.punctuate(Number.MAX_SAFE_INTEGER, () => calls++)).toBe(true)
  expect(queue.punctuate(Number.MAX_SAFE_INTEGER, () => calls++)).toBe(false)
  expect(calls).toBe(1)
})

test('who is cancelled, also by itself, is not called again', () => {
  const queue = new PunctuationQueue<string>()
  const called: number[] = []
  const ticks = queue.schedule({ node: 'a', startMs: 0, everyMs: 10 }, () => {})
  queue.punctuate(0, () => called.push(0))
  queue.punctuate(10, () => {
    called.push(10)
    ticks.cancel()
  })
  queue.punctuate(20, () => called.push(20))
  expect(called).toEqual([0, 10])
  expect(queue.nextMs).toBe(Infinity)
})
