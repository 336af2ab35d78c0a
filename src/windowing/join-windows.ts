import { MillraceError } from '../errors.ts'
import { type DurationLike, toMillis } from './duration.ts'

/**
 * How far apart in event time two records may be to be joined: a left record of time t meets the right records of [t - before,
 * t + after], both ends included. Made by `joinWindows`. Kafka Streams' `JoinWindows`.
 */
export interface JoinWindows {
  /** How much earlier than the left record the right one may be; below 0 it must be later by as much. */
  readonly beforeMs: number
  /** How much later it may be; below 0 it must be earlier by as much. */
  readonly afterMs: number
  /** How long, after its window has passed, a record waits for partners that come late. */
  readonly graceMs: number
  /** Whether a left or outer join gives the result of a record without partners at once. */
  readonly eager: boolean
}

/**
 * What join windows have beside the difference.
 */
export interface JoinWindowsOptions {
  /** How much earlier than the left record the right one may be. @defaultValue the difference */
  readonly before?: DurationLike
  /** How much later than the left record the right one may be. @defaultValue the difference */
  readonly after?: DurationLike
  /**
   * How long, after its window has passed, a record waits for partners that come late: only then do left and outer joins give
   * the result without one. @defaultValue 0: not at all
   */
  readonly grace?: DurationLike
  /**
   * Whether left and outer joins give the result of a record without partners at once, and another one for each partner that
   * comes later. Kafka Streams' deprecated `JoinWindows.of`. @defaultValue false
   */
  readonly eager?: boolean
}

/**
 * Records that are at most `difference` apart: `joinWindows({ minutes: 5 })`; with `{ before: 0 }` the right one must not be the
 * earlier one. A span below 0 moves a bound beyond the left record: `joinWindows({ hours: 2 }, { before: { hours: -1 } })` are
 * right records from one to two hours later. Kafka Streams' `JoinWindows.ofTimeDifferenceAndGrace`.
 *
 * Throws INVALID_CONFIG for a negative difference or grace, when before and after together are negative, and for spans in
 * months or years.
 *
 * @example
 * ```ts
 * import { joinWindows } from 'millrace'
 *
 * const windows = joinWindows({ seconds: 10 }, { before: 0, grace: { minutes: 1 } })
 * windows // → { beforeMs: 0, afterMs: 10_000, graceMs: 60_000, eager: false }
 * joinWindows({ seconds: 10 }, { before: { seconds: -11 } }) // throws INVALID_CONFIG
 * ```
 */
export function joinWindows(
  difference: DurationLike,
  options: JoinWindowsOptions = {},
): JoinWindows {
  const { before = difference, after = difference, grace = 0, eager = false } = options
  toMillis(difference, 'The time difference of join windows')
  const beforeMs = toMillis(before, 'The span before a record of join windows', -longest)
  const afterMs = toMillis(after, 'The span after a record of join windows', -longest)
  const graceMs = toMillis(grace, 'The grace of join windows')
  if (beforeMs + afterMs < 0) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `Join windows reach from ${-beforeMs} ms to ${afterMs} ms after a record, so they end before they begin. Give a longer ` +
        'before or after.',
    )
  }
  return Object.freeze({ beforeMs, afterMs, graceMs, eager })
}

const longest = Number.MAX_SAFE_INTEGER
