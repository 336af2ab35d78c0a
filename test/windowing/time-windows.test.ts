import * as fc from 'fast-check'
import { Duration } from 'luxon'
import { describe, expect, test } from 'vitest'
import {
  MillraceError,
  type TimeWindow,
  hopping,
  sessions,
  sliding,
  tumbling,
  unlimited,
} from '../../src/index.ts'

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

describe('with an offset', () => {
  /** The definition again; of the windows that would begin before the epoch the last is there from the epoch on. */
  function shifted(timestamp: number, size: number, advance: number, offset: number): TimeWindow[] {
    const windows: TimeWindow[] = []
    for (let start = offset - advance; start <= timestamp; start += advance) {
      if (start < 0 && offset === 0) continue
      if (timestamp < start + size) windows.push({ start: Math.max(0, start), end: start + size })
    }
    return windows
  }
  const definition = sizeAndAdvance.chain(({ size, advance }) =>
    fc.record({
      size: fc.constant(size),
      advance: fc.constant(advance),
      offset: fc.nat(advance - 1),
    }),
  )

  test('windows start so much later', () => {
    fc.assert(
      fc.property(fc.nat(300), definition, (timestamp, { size, advance, offset }) => {
        const windows = hopping(size, { advance, offset })
        expect(windows.windowsFor(timestamp)).toEqual(shifted(timestamp, size, advance, offset))
      }),
    )
  })

  test('the last window that has ended is the last one of all', () => {
    fc.assert(
      fc.property(fc.nat(300), definition, (time, { size, advance, offset }) => {
        const all = shifted(0, size, advance, offset)
        for (let start = offset; start <= time; start += advance) {
          all.push({ start, end: start + size })
        }
        const ended = all.filter(({ end }) => end <= time).map(({ start }) => start)
        const windows = hopping(size, { advance, offset })
        expect(windows.lastEnded(time)).toBe(Math.max(-1, ...ended))
      }),
    )
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
    [() => tumbling(10, { offset: 10 }), 'is not less than the distance between them'],
    [() => sliding(-1), 'The time difference of sliding windows is -1 ms'],
    [() => sessions(0), 'The gap of session windows is 0 ms'],
    [() => unlimited({ start: -1 }), 'The start of unlimited windows is -1 ms'],
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
