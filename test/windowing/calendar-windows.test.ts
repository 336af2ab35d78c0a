import * as fc from 'fast-check'
import { DateTime } from 'luxon'
import { describe, expect, test } from 'vitest'
import { type CalendarUnit, MillraceError, calendar } from '../../src/index.ts'

const hourMs = 3_600_000

/** Zones with clock changes at midnight, by half an hour, back over midnight, over the date line. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Africa/Monrovia',
  'Asia/Beirut',
]
const units: readonly CalendarUnit[] = ['day', 'week', 'month', 'quarter', 'year']

const definition = fc.record({
  unit: fc.constantFrom(...units),
  timeZone: fc.constantFrom(...zones),
  offset: fc.constantFrom({}, { hours: 2, minutes: 30 }, { hours: 6 }, { hours: 23, minutes: 59 }),
})
const timestamp = fc.integer({ min: 0, max: Date.UTC(2040, 0, 1) })

describe('a property of all calendar windows:', () => {
  test('they lie side by side, and one holds each timestamp', () => {
    fc.assert(
      fc.property(definition, timestamp, ({ unit, ...options }, time) => {
        const windows = calendar(unit, options)
        const [window, ...others] = windows.windowsFor(time)
        expect(others).toEqual([])
        const { start = 0, end = 0 } = window ?? {}
        expect(start <= time && time < end).toBe(true)
        expect(end - start).toBeLessThanOrEqual(windows.sizeMs)
        for (const inside of [start, end - 1]) {
          expect(calendar(unit, options).windowsFor(inside)).toEqual([{ start, end }])
        }
        expect(windows.nextStart(start)).toBe(end)
        expect(calendar(unit, options).firstStart(end)).toBe(end)
        expect(windows.lastEnded(end)).toBe(start)
        expect(windows.lastEnded(end - 1)).toBe(start === 0 ? -1 : windows.firstStart(start - 1))
      }),
      { numRuns: 1000 },
    )
  })

  test('they start when the clock on the wall says so, unless it is put over that', () => {
    fc.assert(
      fc.property(definition, timestamp, ({ unit, ...options }, time) => {
        const { start } = calendar(unit, options).windowsFor(time)[0] ?? { start: 0 }
        fc.pre(start > 0)
        const { hours = 0, minutes = 0 } = { ...options.offset }
        const local = DateTime.fromMillis(start, { zone: options.timeZone })
        const justBefore = local.minus({ milliseconds: 1 })
        const wanted = hours * 60 + minutes
        const reached = local.hour * 60 + local.minute
        // Over a gap the clock shows up to an hour more; of the date line a whole day is missing.
        const skipped = local.offset - justBefore.offset
        expect(reached === wanted || reached === (wanted + skipped) % 1440).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

test('a day has 23, 24 or 25 hours, as it has in its zone', () => {
  const days = calendar('day', { timeZone: 'Europe/Berlin' })
  const hours = (day: string): number => {
    const start = days.firstStart(Date.parse(`${day}T12:00Z`))
    return (days.endOf(start) - start) / hourMs
  }
  expect(hours('2026-03-28')).toBe(24)
  expect(hours('2026-03-29')).toBe(23)
  expect(hours('2026-10-25')).toBe(25)
})

test('a day begins with the first of two midnights', () => {
  // On 2026-11-01 at one o'clock the clocks of Havana are put back to midnight.
  const days = calendar('day', { timeZone: 'America/Havana' })
  const start = Date.parse('2026-11-01T04:00Z')
  for (const time of ['2026-11-01T04:30Z', '2026-11-01T05:30Z', '2026-11-01T20:00Z']) {
    expect(days.windowsFor(Date.parse(time))).toEqual([{ start, end: start + 25 * hourMs }])
  }
})

test('a day that a zone left out has no window', () => {
  // Samoa went from 29 to 31 December 2011.
  const days = calendar('day', { timeZone: 'Pacific/Apia' })
  const end = Date.parse('2011-12-30T10:00Z')
  expect(days.windowsFor(end - 1)).toEqual([{ start: end - 24 * hourMs, end }])
  expect(days.windowsFor(end)).toEqual([{ start: end, end: end + 24 * hourMs }])
})

test('weeks begin on Monday, or on the day that is given', () => {
  const wednesday = Date.UTC(2026, 6, 15, 12)
  const start = (weekStart?: 1 | 7): number =>
    calendar('week', {
      timeZone: 'UTC',
      ...(weekStart !== undefined && { weekStart }),
    }).firstStart(wednesday)
  expect(start()).toBe(Date.UTC(2026, 6, 13))
  expect(start(7)).toBe(Date.UTC(2026, 6, 12))
})

test('months have their lengths, from the first day or from a later one', () => {
  const february = Date.UTC(2028, 1, 20)
  expect(calendar('month', { timeZone: 'UTC' }).windowsFor(february)).toEqual([
    { start: Date.UTC(2028, 1, 1), end: Date.UTC(2028, 2, 1) },
  ])
  const fifteenth = calendar('month', { timeZone: 'UTC', offset: { days: 14 } })
  expect(fifteenth.windowsFor(february)).toEqual([
    { start: Date.UTC(2028, 1, 15), end: Date.UTC(2028, 2, 15) },
  ])
  expect(fifteenth.windowsFor(Date.UTC(2028, 1, 14))).toEqual([
    { start: Date.UTC(2028, 0, 15), end: Date.UTC(2028, 1, 15) },
  ])
})

test('what was given is said when it makes no sense', () => {
  const timeZone = 'UTC'
  // @ts-expect-error such as a program without types may give
  const fortnight: CalendarUnit = 'fortnight'
  const cases: [make: () => unknown, message: string][] = [
    [
      () => calendar(fortnight, { timeZone }),
      "cannot be a 'fortnight' each. Give one of day, week",
    ],
    [() => calendar('day', { timeZone: 'Mars' }), "There is no time zone 'Mars'"],
    [() => calendar('day', { timeZone, offset: { days: 1 } }), 'it must be less than 86400000 ms'],
    [() => calendar('day', { timeZone, weekStart: 1 }), 'Leave weekStart out'],
    [() => calendar('day', { timeZone, grace: -1 }), 'The grace of calendar windows'],
  ]
  for (const [make, message] of cases) {
    expect(make).toThrow(MillraceError)
    expect(make).toThrow(message)
  }
})
