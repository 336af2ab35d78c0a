import type { DurationLike } from './duration.ts'

/**
 * Windows whose places are fixed before any record comes: `tumbling`, `hopping`, `calendar` and `unlimited` make them, and an
 * object of one's own may be them. A window is known by its start; those of one definition end in the order of their
 * starts. Kafka Streams' `Windows`.
 */
export interface Windows {
  readonly kind: 'time'
  /** Length of the longest window in milliseconds; Infinity if windows do not end. */
  readonly sizeMs: number
  /** How long a window takes late records after stream time has passed its end, in milliseconds. */
  readonly graceMs: number
  /**
   * Start of the earliest window that holds a timestamp; the others are those that `nextStart` gives, up to the timestamp
   * itself. Later than the timestamp if no window holds it. Never negative.
   *
   * @example
   * ```ts
   * import { hopping } from 'millrace'
   *
   * const windows = hopping({ seconds: 10 }, { advance: { seconds: 5 } })
   * windows.firstStart(12_000) // → 5_000
   * windows.firstStart(2_000) // → 0
   * ```
   */
  firstStart(timestamp: number): number
  /**
   * Start of the window after the one that starts at `start`.
   *
   * @example
   * ```ts
   * import { calendar } from 'millrace'
   *
   * const months = calendar('month', { timeZone: 'UTC' })
   * months.nextStart(Date.UTC(2026, 1, 1)) === Date.UTC(2026, 2, 1) // → true
   * ```
   */
  nextStart(start: number): number
  /**
   * First millisecond after the window that starts at `start`.
   *
   * @example
   * ```ts
   * import { hopping } from 'millrace'
   *
   * hopping({ seconds: 10 }, { advance: { seconds: 5 } }).endOf(5_000) // → 15_000
   * ```
   */
  endOf(start: number): number
  /**
   * Start of the latest window that ends at a time or before it; -1 when there is none.
   *
   * @example
   * ```ts
   * import { tumbling } from 'millrace'
   *
   * const windows = tumbling({ seconds: 10 })
   * windows.lastEnded(29_999) // → 10_000
   * windows.lastEnded(30_000) // → 20_000
   * windows.lastEnded(9_999) // → -1
   * ```
   */
  lastEnded(time: number): number
  /**
   * The windows that hold a timestamp, in milliseconds since the Unix epoch, earliest first.
   *
   * @example
   * ```ts
   * import { hopping } from 'millrace'
   *
   * hopping({ seconds: 10 }, { advance: { seconds: 5 } }).windowsFor(12_000) // → [
   * //   { start: 5_000, end: 15_000 },
   * //   { start: 10_000, end: 20_000 }
   * // ]
   * ```
   */
  windowsFor(timestamp: number): TimeWindow[]
}

/**
 * A span of event time that includes its start and not its end. Kafka Streams' `Window`.
 */
export interface TimeWindow {
  /** First millisecond of the window since the Unix epoch. */
  readonly start: number
  /** First millisecond after it. */
  readonly end: number
}

/**
 * What all windows have beside their size.
 */
export interface WindowOptions {
  /** How long a window takes late records after its end. Default: not at all. */
  readonly grace?: DurationLike
}

/** The windows of a definition, which computes one after the other. */
export function windowsFor(
  { firstStart, nextStart, endOf }: Pick<Windows, 'firstStart' | 'nextStart' | 'endOf'>,
  timestamp: number,
): TimeWindow[] {
  const windows: TimeWindow[] = []
  for (let start = firstStart(timestamp); start <= timestamp; start = nextStart(start)) {
    windows.push({ start, end: endOf(start) })
  }
  return windows
}
