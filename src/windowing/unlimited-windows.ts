import { toMillis } from './duration.ts'
import { type Windows, windowsFor } from './windows.ts'

/**
 * Where unlimited windows begin.
 */
export interface UnlimitedOptions {
  /** Start of the window, in milliseconds since the Unix epoch. Default: 0. */
  readonly start?: number
}

/**
 * One window that never ends: `unlimited({ start: Date.UTC(2026, 0, 1) })` holds all that has happened since. Records from
 * before are in no window. Kafka Streams' `UnlimitedWindows`.
 *
 * Throws INVALID_CONFIG when the start is negative or not a whole number of milliseconds.
 *
 * @example
 * ```ts
 * import { unlimited } from 'millrace'
 *
 * unlimited({ start: 1_000 }).windowsFor(5_000) // → [{ start: 1_000, end: Infinity }]
 * unlimited({ start: 1_000 }).windowsFor(999) // → []
 * ```
 */
export function unlimited({ start = 0 }: UnlimitedOptions = {}): Windows {
  const first = toMillis(start, 'The start of unlimited windows')
  const places = {
    firstStart: () => first,
    nextStart: () => Infinity,
    endOf: () => Infinity,
    lastEnded: () => -1,
  }
  return Object.freeze({
    kind: 'time',
    sizeMs: Infinity,
    graceMs: 0,
    ...places,
    windowsFor: (timestamp: number) => windowsFor(places, timestamp),
  })
}
