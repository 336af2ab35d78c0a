import { MillraceError } from '../errors.ts'
import { type DurationLike, toMillis } from './duration.ts'

/**
 * Windows of fixed size, aligned to the Unix epoch: [start, start + size) for every start that is a multiple of the
 * advance. Made by `tumbling` and `hopping`. Kafka Streams' `TimeWindows`.
 */
export interface TimeWindows {
  readonly sizeMs: number
  /** Distance from the start of one window to that of the next: the size, for tumbling windows. */
  readonly advanceMs: number
  /** How long a window takes late records after stream time has passed its end. */
  readonly graceMs: number
  /**
   * Start of the earliest window that holds a timestamp; the others start every `advanceMs` after it, up to the
   * timestamp itself. Never negative.
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
 * What tumbling windows have beside their size.
 */
export interface TumblingOptions {
  /** How long a window takes late records after its end. Default: not at all. */
  readonly grace?: DurationLike
}

/**
 * What hopping windows have beside their size.
 */
export interface HoppingOptions extends TumblingOptions {
  /** Distance from the start of one window to that of the next: at least 1 ms, at most the size. */
  readonly advance: DurationLike
}

/**
 * Windows side by side: each record falls into exactly one. `tumbling({ minutes: 5 })`, or, to take records up to an
 * hour late, `tumbling({ days: 1 }, { grace: { hours: 1 } })`. Days are days of UTC. Kafka Streams'
 * `TimeWindows.ofSizeAndGrace`.
 *
 * Throws INVALID_CONFIG for a size below 1 ms, a negative grace, or either in months or years.
 *
 * @example
 * ```ts
 * import { tumbling } from 'millrace'
 *
 * const days = tumbling({ days: 1 }, { grace: { hours: 1 } })
 * days.graceMs // → 3_600_000
 * days.windowsFor(90_000_000) // → [{ start: 86_400_000, end: 172_800_000 }]
 * tumbling({ months: 1 }) // throws INVALID_CONFIG
 * ```
 */
export function tumbling(size: DurationLike, { grace = 0 }: TumblingOptions = {}): TimeWindows {
  const sizeMs = toMillis(size, 'The size of tumbling windows', 1)
  const graceMs = toMillis(grace, 'The grace of tumbling windows')
  return timeWindows(sizeMs, sizeMs, graceMs)
}

/**
 * Windows that overlap: a record falls into all that hold its timestamp. `hopping({ minutes: 5 }, { advance: { minutes:
 * 1 } })` has a window of five minutes starting every minute. Kafka Streams' `TimeWindows.advanceBy`.
 *
 * Throws INVALID_CONFIG for a size or advance below 1 ms, an advance above the size, a negative grace, or any of them
 * in months or years.
 *
 * @example
 * ```ts
 * import { hopping } from 'millrace'
 *
 * const windows = hopping({ minutes: 5 }, { advance: { minutes: 1 } })
 * windows.windowsFor(600_000).length // → 5
 * hopping({ minutes: 5 }, { advance: { minutes: 6 } }) // throws INVALID_CONFIG
 * ```
 */
export function hopping(size: DurationLike, { advance, grace = 0 }: HoppingOptions): TimeWindows {
  const sizeMs = toMillis(size, 'The size of hopping windows', 1)
  const advanceMs = toMillis(advance, 'The advance of hopping windows', 1)
  const graceMs = toMillis(grace, 'The grace of hopping windows')
  if (advanceMs > sizeMs) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `The advance of hopping windows (${advanceMs} ms) is larger than their size (${sizeMs} ms), so that some ` +
        'records would be in no window. Give an advance of at most the size.',
    )
  }
  return timeWindows(sizeMs, advanceMs, graceMs)
}

function timeWindows(sizeMs: number, advanceMs: number, graceMs: number): TimeWindows {
  const firstStart = (timestamp: number): number =>
    Math.floor(Math.max(0, timestamp - sizeMs + advanceMs) / advanceMs) * advanceMs

  const windowsFor = (timestamp: number): TimeWindow[] => {
    const windows: TimeWindow[] = []
    for (let start = firstStart(timestamp); start <= timestamp; start += advanceMs) {
      windows.push({ start, end: start + sizeMs })
    }
    return windows
  }

  return Object.freeze({ sizeMs, advanceMs, graceMs, firstStart, windowsFor })
}
