import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { burstBytes, SampledRate } from '../../../src/broker/quotas/sampled-rate.ts'

test('a burst of ten seconds is free, what is beyond is waited for', () => {
  const rate = new SampledRate()
  rate.record(burstBytes(100), 0)
  expect(rate.throttleMs(100, 0)).toBe(0)
  rate.record(500, 0)
  expect(rate.throttleMs(100, 0)).toBe(5000)
})

test('what is older than eleven seconds is forgotten', () => {
  const rate = new SampledRate()
  rate.record(1_000_000, 0)
  expect(rate.throttleMs(1, 10_999)).toBeGreaterThan(0)
  expect(rate.isOver(10_999)).toBe(false)
  expect(rate.throttleMs(1, 11_000)).toBe(0)
  expect(rate.isOver(11_000)).toBe(true)
})

test('who waits as long as told keeps to the limit, whatever it sends', () => {
  const limit = 1000
  const step = fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), pauseMs: fc.nat(3000) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 100 }), steps => {
      const rate = new SampledRate()
      let now = 0
      let total = 0
      for (const { bytes, pauseMs } of steps) {
        now += pauseMs
        rate.record(bytes, now)
        total += bytes
        now += rate.throttleMs(limit, now)
      }
      // Two windows of bursts may be ahead of the limit, and the last send.
      expect(total).toBeLessThanOrEqual((limit * now) / 1000 + 2 * burstBytes(limit) + 5000)
    }),
  )
})
