import { type DurationLike, toMillis } from './duration.ts'
import type { WindowOptions } from './windows.ts'

/**
 * Windows that records make: one ends at each record, another starts just after it, for the records to come. Both ends
 * belong to the window, which is as long as the time difference. Made by `sliding`. Kafka Streams' `SlidingWindows`.
 */
export interface SlidingWindows {
  readonly kind: 'sliding'
  /** Largest distance between two records of a window, in milliseconds. */
  readonly timeDifferenceMs: number
  /** How long a window takes late records after stream time has passed its end, in milliseconds. */
  readonly graceMs: number
}

/**
 * One window for each set of records that lie no further apart than a time difference: `sliding({ minutes: 5 })` aggregates, for
 * every record, the five minutes before it. A window is written again for each record in it, so this costs as much as there
 * are records within the difference. Kafka Streams' `SlidingWindows.ofTimeDifferenceAndGrace`.
 *
 * Throws INVALID_CONFIG for a negative time difference or grace, or either in months or years. With a time difference of 0
 * windows have no length: an aggregation fails with its first record, as in Kafka Streams.
 *
 * @example
 * ```ts
 * import { sliding } from 'millrace'
 *
 * sliding({ minutes: 5 }, { grace: { seconds: 30 } }).timeDifferenceMs // → 300_000
 * sliding(-1) // throws INVALID_CONFIG
 * ```
 */
export function sliding(
  timeDifference: DurationLike,
  { grace = 0 }: WindowOptions = {},
): SlidingWindows {
  return Object.freeze({
    kind: 'sliding',
    timeDifferenceMs: toMillis(timeDifference, 'The time difference of sliding windows'),
    graceMs: toMillis(grace, 'The grace of sliding windows'),
  })
}
