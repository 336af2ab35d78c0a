import { type DurationLike, toMillis } from './duration.ts'
import type { WindowOptions } from './windows.ts'

/**
 * Windows of activity: a session goes from its first record to its last, both included, and ends when a key has had none for
 * longer than the gap. Made by `sessions`. Kafka Streams' `SessionWindows`.
 */
export interface SessionWindows {
  readonly kind: 'session'
  /** Largest distance between a record and the session that it joins, in milliseconds. */
  readonly gapMs: number
  /** How long a session takes late records after stream time has passed its end and the gap, in milliseconds. */
  readonly graceMs: number
}

/**
 * One window for each stretch of activity of a key: `sessions({ minutes: 30 })` begins a new one after half an hour
 * without records. A late record may join two sessions into one. Kafka Streams' `SessionWindows.ofInactivityGapAndGrace`.
 *
 * Throws INVALID_CONFIG for a gap below 1 ms, a negative grace, or either in months or years.
 *
 * @example
 * ```ts
 * import { sessions } from 'millrace'
 *
 * sessions({ minutes: 30 }, { grace: { minutes: 5 } }).gapMs // → 1_800_000
 * sessions(0) // throws INVALID_CONFIG
 * ```
 */
export function sessions(gap: DurationLike, { grace = 0 }: WindowOptions = {}): SessionWindows {
  return Object.freeze({
    kind: 'session',
    gapMs: toMillis(gap, 'The gap of session windows', 1),
    graceMs: toMillis(grace, 'The grace of session windows'),
  })
}
