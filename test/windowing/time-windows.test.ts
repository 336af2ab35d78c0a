import * as fc from 'fast-check'
import { Duration } from 'luxon'
import { describe, expect, test } from 'vitest'
import { MillraceError, type TimeWindow, hopping, tumbling } from '../../src/index.ts'

/** The definition, looked up one start after the other: multiples of the advance whose window holds the timestamp. */
function naive(timestamp: number, sizeMs: number, advanceMs: number): TimeWindow[] {
  const windows: TimeWindow[] = []
  for (let start = 0; start <= timestamp; start += advanceMs) {
    if (timestamp < start + sizeMs) windows.push({ start, end: start + sizeMs })
  }
  return windows
}

const sizeAndAdvance = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }))
  .map(([one, two]) => ({ size: Math.max(one, two), advance: Math.min(one, two) }))

describe('windowsFor', () => {
  test('hopping windows are those of the definition', () => {
    fc.assert(
      fc.property(fc.nat(300), sizeAndAdvance, (timestamp, { size, advance }) => {
        const windows = hopping(size, { advance })
        expect(windows.windowsFor(timestamp)).toEqual(naive(timestamp, size, advance))
      }),
    )
  })

  test('a tumbling window is the one that holds the timestamp', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 2 ** 31 }), (timestamp, size) => {
        fc.pre(Number.isSafeInteger(timestamp + size))
        const [window, ...others] = tumbling(size).windowsFor(timestamp)
        expect(others).toEqual([])
        expect(window?.start).toBe(timestamp - (timestamp % size))
        expect(window?.end).toBe(timestamp - (timestamp % size) + size)
      }),
    )
  })

  test('is exact for timestamps of today and windows of days', () => {
    const timestamp = Date.UTC(2026, 1, 28, 23, 59, 59, 999)
    const start = Date.UTC(2026, 1, 28)
    expect(tumbling({ days: 1 }).windowsFor(timestamp)).toEqual([
      { start, end: start + 86_400_000 },
    ])
  })

  test('no window starts before the epoch', () => {
    expect(hopping(10, { advance: 4 }).windowsFor(3)).toEqual([{ start: 0, end: 10 }])
  })
})

describe('durations', () => {
  test('are luxon durations, their parts, or milliseconds', () => {
    const expected = { sizeMs: 300_000, advanceMs: 300_000, graceMs: 0 }
    for (const size of [{ minutes: 5 }, Duration.fromObject({ minutes: 5 }), 300_000]) {
      expect(tumbling(size)).toMatchObject(expected)
    }
    expect(tumbling({ days: 1 }, { grace: { hours: 1 } }).graceMs).toBe(3_600_000)
  })

  test.each<[make: () => unknown, message: string]>([
    [() => tumbling(0), 'The size of tumbling windows is 0 ms'],
    [() => tumbling(1.5), 'is 1.5 ms'],
    [() => tumbling({ months: 1 }), 'given in months or years'],
    [() => tumbling(1, { grace: -1 }), 'The grace of tumbling windows is -1 ms'],
    [() => hopping(10, { advance: 0 }), 'The advance of hopping windows is 0 ms'],
    [() => hopping(10, { advance: 11 }), 'is larger than their size'],
    [() => tumbling(Number.POSITIVE_INFINITY), 'The size of tumbling windows is not a span'],
    [() => tumbling(Duration.invalid('unknown')), 'The size of tumbling windows is NaN ms'],
  ])('are refused when they make no sense (%#)', (make, message) => {
    expect(make).toThrow(MillraceError)
    expect(make).toThrow(message)
  })
})

test('definitions are frozen', () => {
  expect(Object.isFrozen(tumbling(1))).toBe(true)
})
