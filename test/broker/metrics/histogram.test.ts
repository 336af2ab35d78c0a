import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketBoundsMs, newHistogram, observe } from '../../../src/broker/metrics/histogram.ts'

test('every duration is in the first bucket whose bound it does not pass', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100_000, noNaN: true })), durations => {
      const histogram = newHistogram()
      for (const duration of durations) observe(histogram, duration)
      let cumulative = 0
      for (const [bucket, cases] of histogram.buckets.entries()) {
        cumulative += cases
        const bound = bucketBoundsMs[bucket] ?? Infinity
        expect(cumulative).toBe(durations.filter(duration => duration <= bound).length)
      }
      expect(histogram.sumMs).toBeCloseTo(durations.reduce((sum, each) => sum + each, 0))
    }),
  )
})
