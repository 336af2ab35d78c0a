import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentStat } from '../../../src/runtime/metrics/recent-stat.ts'
import { TaskMeasures } from '../../../src/runtime/metrics/task-measures.ts'

test('knows all that was measured, and of the last half minute nothing too little', () => {
  const step = fc.record({ passedMs: fc.nat(50_000), value: fc.nat(1000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(100_000), (steps, laterMs) => {
      const stat = new RecentStat()
      const values: { at: number; value: number }[] = []
      let now = 1_000_000
      for (const { passedMs, value } of steps) {
        now += passedMs
        stat.add(value, now)
        values.push({ at: now, value })
      }
      now += laterMs
      expect(stat.count).toBe(values.length)
      expect(stat.sum).toBe(values.reduce((sum, { value }) => sum + value, 0))
      const recent = stat.recent(now)
      const certain = values.filter(({ at }) => now - at < 30_000).map(({ value }) => value)
      const possible = values.filter(({ at }) => now - at < 60_000).map(({ value }) => value)
      if (certain.length > 0) expect(recent?.max).toBeGreaterThanOrEqual(Math.max(...certain))
      if (possible.length === 0) expect(recent).toBeUndefined()
      if (recent === undefined) return
      expect(recent.max).toBeLessThanOrEqual(Math.max(...possible))
      expect(recent.avg).toBeLessThanOrEqual(recent.max)
      expect(recent.avg).toBeGreaterThanOrEqual(Math.min(...possible))
    }),
  )
})

test('lateness is the distance to stream time, end-to-end latency that to the clock', () => {
  const measures = new TaskMeasures()
  measures.took(100, 100)
  measures.took(40, 100)
  measures.took(130, 130)
  measures.endTurn(3, 1000)
  expect(measures.lateness.recent(1000)).toEqual({ avg: 20, max: 60 })
  expect(measures.endToEnd.recent(1000)).toEqual({ avg: 910, max: 960 })
  measures.took(140, 140)
  measures.endTurn(1, 1140)
  expect(measures.lateness.recent(1140)).toEqual({ avg: 15, max: 60 })
  expect(measures.endToEnd).toMatchObject({ count: 4, sum: 3730 })
})
