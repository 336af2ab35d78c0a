import { DateTime, IANAZone, type WeekdayNumbers } from 'luxon'
import { MillraceError } from '../errors.ts'
import { type DurationLike, toMillis } from './duration.ts'
import { type TimeWindow, type WindowOptions, type Windows, windowsFor } from './windows.ts'

/** What a calendar window is: one of these in the calendar of its time zone. */
export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year'

/**
 * Where and how calendar windows are counted.
 */
export interface CalendarOptions extends WindowOptions {
  /** A zone of the IANA time zone database, such as `Europe/Berlin`. */
  readonly timeZone: string
  /** First day of a week: 1 for Monday to 7 for Sunday. Only for weeks. Default: 1. */
  readonly weekStart?: WeekdayNumbers
  /**
   * How much later than midnight, or than midnight of the first day, windows start by the clock on the wall: `{ hours: 6 }` is at
   * six in the morning on every day, also when the clocks change; `{ days: 14 }` makes months from the 15th to the 14th. Default:
   * not at all. Less than the shortest of the units.
   */
  readonly offset?: DurationLike
}

/**
 * Days, weeks, months, quarters or years of a time zone, side by side. They are as long as they are there: a day on which
 * the clocks change has 23 or 25 hours. The one that began before the Unix epoch is cut off there. Kafka Streams has none;
 * its users write a `Windows` of their own.
 *
 * Throws INVALID_CONFIG for a unit or a time zone that is not known, a negative grace or offset, a week's start for
 * other units, or an offset that is too long.
 *
 * @example
 * ```ts
 * import { calendar } from 'millrace'
 *
 * const days = calendar('day', { timeZone: 'Europe/Berlin' })
 * const hoursOf = (day: string) =>
 *   days.windowsFor(Date.parse(day)).map(({ start, end }) => (end - start) / 3_600_000)
 * hoursOf('2026-03-28T12:00Z') // → [24]
 * hoursOf('2026-03-29T12:00Z') // → [23]
 * hoursOf('2026-10-25T12:00Z') // → [25]
 * const shifts = calendar('day', { timeZone: 'Europe/Berlin', offset: { hours: 6 } })
 * new Date(shifts.firstStart(Date.parse('2026-03-29T12:00Z'))).toISOString() // → '2026-03-29T04:00:00.000Z'
 * calendar('day', { timeZone: 'Europe/Atlantis' }) // throws INVALID_CONFIG
 * ```
 */
export function calendar(unit: CalendarUnit, options: CalendarOptions): Windows {
  const { timeZone, weekStart = 1, grace = 0 } = options
  checkUnit(unit)
  checkZone(timeZone)
  checkWeekStart(unit, options.weekStart)
  const graceMs = toMillis(grace, 'The grace of calendar windows')
  const offsetMs = offsetIn(unit, options.offset ?? 0)
  const zone = IANAZone.create(timeZone)
  const units = `${unit}s`

  /** Start of the window that is called after this day, a midnight on the wall. */
  const startOf = (day: DateTime): number => timeOf(day.toMillis() + offsetMs, zone)

  const find = (timestamp: number): TimeWindow => {
    if (timestamp >= lastDayMs) return { start: lastDayMs, end: endOfTimeMs }
    const now = DateTime.fromMillis(wallOf(timestamp, zone), { zone: 'utc' })
    let day = firstDay(now, unit, weekStart)
    while (startOf(day) > timestamp) day = day.minus({ [units]: 1 })
    let next = day.plus({ [units]: 1 })
    while (startOf(next) <= timestamp) {
      day = next
      next = day.plus({ [units]: 1 })
    }
    return { start: Math.max(0, startOf(day)), end: Math.min(startOf(next), lastDayMs) }
  }
  const holding = remembered(find)

  const places = {
    firstStart: (timestamp: number) => holding(timestamp).start,
    nextStart: (start: number) => holding(start).end,
    endOf: (start: number) => holding(start).end,
    lastEnded: (time: number) => {
      const { start } = holding(Math.max(0, time))
      return start === 0 ? -1 : holding(start - 1).start
    },
  }
  return Object.freeze({
    kind: 'time',
    sizeMs: longestDays[unit] * dayMs + clockChangeMs,
    graceMs,
    ...places,
    windowsFor: (timestamp: number) => windowsFor(places, timestamp),
  })
}

/**
 * Dates end in the year 275760, timestamps do not: what is later than this, some years before, is in one window without an
 * end. No calendar tells what days there will be, and a record with such a time is a mistake that must do no harm.
 */
const lastDayMs = Date.UTC(275_000, 0)
const endOfTimeMs = 2 ** 53

/**
 * What the clock on the wall shows, as the time at which one in UTC shows the same. All arithmetic of days is done there,
 * where every day has 24 hours.
 */
const wallOf = (time: number, zone: IANAZone): number => time + zone.offset(time) * minuteMs

/**
 * The time at which the clock on the wall shows this: the first one if the clock is put back over it, and as much later as
 * the clock is put forward if it is put forward over it. Both as Java's `ZonedDateTime.ofLocal` has it; luxon's own answer
 * depends on the time at which it is asked.
 */
function timeOf(wall: number, zone: IANAZone): number {
  const early = wall - zone.offset(wall - dayMs) * minuteMs
  if (wallOf(early, zone) === wall) return early
  const late = wall - zone.offset(wall + dayMs) * minuteMs
  return wallOf(late, zone) === wall ? late : early
}

/** Midnight on the first day of a unit. */
function firstDay(time: DateTime, unit: CalendarUnit, weekStart: number): DateTime {
  if (unit !== 'week') return time.startOf(unit)
  const midnight = time.startOf('day')
  return midnight.minus({ days: (midnight.weekday - weekStart + 7) % 7 })
}

function offsetIn(unit: CalendarUnit, offset: DurationLike): number {
  const offsetMs = toMillis(offset, 'The offset of calendar windows')
  const shortestMs = shortestDays[unit] * dayMs
  if (offsetMs < shortestMs) return offsetMs
  throw new MillraceError(
    'INVALID_CONFIG',
    `The offset of calendar windows is ${offsetMs} ms; of a ${unit} it must be less than ${shortestMs} ms.`,
  )
}

/** Records come roughly in order: nearly all fall into the window of the last one or the one before. */
function remembered(find: (timestamp: number) => TimeWindow): (timestamp: number) => TimeWindow {
  const none = { start: 0, end: 0 }
  let last: TimeWindow = none
  let other: TimeWindow = none
  return timestamp => {
    if (timestamp >= last.start && timestamp < last.end) return last
    const before = last
    last = timestamp >= other.start && timestamp < other.end ? other : find(timestamp)
    other = before
    return last
  }
}

function checkUnit(unit: CalendarUnit): void {
  if (Object.hasOwn(shortestDays, unit)) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `Calendar windows cannot be a '${unit}' each. Give one of ${Object.keys(shortestDays).join(', ')}.`,
  )
}

function checkZone(timeZone: string): void {
  if (IANAZone.isValidZone(timeZone)) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `There is no time zone '${timeZone}'. Give one of the IANA database, such as Europe/Berlin or UTC.`,
  )
}

function checkWeekStart(unit: CalendarUnit, weekStart: number | undefined): void {
  if (weekStart === undefined) return
  const isDay = Number.isInteger(weekStart) && weekStart >= 1 && weekStart <= 7
  if (unit === 'week' && isDay) return
  throw new MillraceError(
    'INVALID_CONFIG',
    unit === 'week'
      ? `The first day of a week is given as ${weekStart}. Give 1 for Monday to 7 for Sunday.`
      : `The first day of a week is given for windows of a ${unit}. Leave weekStart out.`,
  )
}

const minuteMs = 60_000
const dayMs = 86_400_000

/** What clocks are put back at most, with a day to spare for zones that once moved over the date line. */
const clockChangeMs = dayMs

const longestDays = { day: 1, week: 7, month: 31, quarter: 92, year: 366 }
const shortestDays = { day: 1, week: 7, month: 28, quarter: 90, year: 365 }
