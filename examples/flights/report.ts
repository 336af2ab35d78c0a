import Table from 'cli-table3'
import { DateTime } from 'luxon'

/** One (city, day): how many flights left late, and by how many minutes on average. */
export interface CityDay {
  readonly city: string
  readonly day: string
  readonly flights: number
  readonly meanDelayMinutes: number
}

export interface Report {
  /** Rows that this run loaded, and flights that its app processed. */
  readonly loaded: number
  readonly processed: number
  readonly recordsPerSecond: number
  readonly windows: number
  readonly worst: readonly CityDay[]
}

/** The ten worst by mean delay; equal means in order of flights, city and day. */
export function worstDays(days: readonly CityDay[]): CityDay[] {
  return days
    .toSorted(
      (a, b) =>
        b.meanDelayMinutes - a.meanDelayMinutes ||
        b.flights - a.flights ||
        a.city.localeCompare(b.city) ||
        a.day.localeCompare(b.day),
    )
    .slice(0, 10)
}

export const dayOf = (windowStart: number): string =>
  DateTime.fromMillis(windowStart, { zone: 'utc' }).toISODate() ?? ''

export function printable(report: Report): string {
  const table = new Table({
    head: ['city', 'day', 'delayed flights', 'mean delay, minutes'],
    colAligns: ['left', 'left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { city, day, flights, meanDelayMinutes } of report.worst) {
    table.push([city, day, flights, meanDelayMinutes.toFixed(1)])
  }
  const count = new Intl.NumberFormat('en-US')
  const input =
    report.processed === 0
      ? 'no new records: all flights had been processed before'
      : `${count.format(report.processed)} records in, ${count.format(report.recordsPerSecond)} records/s`
  return [
    'The ten worst days to leave a US city, January to March 2001',
    table.toString(),
    `${input}; ${count.format(report.windows)} windows (city, day) out`,
    'Next: npx millrace describe examples/flights/app.ts',
    '',
  ].join('\n')
}
