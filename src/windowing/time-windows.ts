import { MillraceError } from '../errors.ts'
import { type DurationLike, toMillis } from './duration.ts'
import { type WindowOptions, type Windows, windowsFor } from './windows.ts'

/**
 * Windows of fixed size: [start, start + size) for every start that is a multiple of the advance, plus the offset. Made by
 * `tumbling` and `hopping`. Kafka Streams' `TimeWindows`.
 */
export interface TimeWindows extends Windows {
  /** Distance from the start of one window to that of the next: the size, for tumbling windows. */
  readonly advanceMs: number
}

/**
 * What tumbling windows have beside their size.
 */
export interface TumblingOptions extends WindowOptions {
  /**
   * How much later than the multiples of the advance windows start: less than the advance. Default: not at all, which is on
   * the Unix epoch. Of the windows that would begin before the epoch only the last is there, cut off at the epoch.
   */
  readonly offset?: DurationLike
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
 * hour late, `tumbling({ days: 1 }, { grace: { hours: 1 } })`. Days are days of UTC; for those of a time zone there is
 * `calendar`. Kafka Streams' `TimeWindows.ofSizeAndGrace`.
 *
 * Throws INVALID_CONFIG for a size below 1 ms, a negative grace or offset, any of them in months or years, or an offset that
 * is not less than the size.
 *
 * @example
 * ```ts
 * import { tumbling } from 'millrace'
 *
 * const days = tumbling({ days: 1 }, { grace: { hours: 1 } })
 * days.graceMs // → 3_600_000
 * days.windowsFor(90_000_000) // → [{ start: 86_400_000, end: 172_800_000 }]
 * const thursdays = tumbling({ weeks: 1 })
 * const mondays = tumbling({ weeks: 1 }, { offset: { days: 4 } })
 * new Date(thursdays.firstStart(Date.UTC(2026, 1, 28))).toUTCString() // → 'Thu, 26 Feb 2026 00:00:00 GMT'
 * new Date(mondays.firstStart(Date.UTC(2026, 1, 28))).toUTCString() // → 'Mon, 23 Feb 2026 00:00:00 GMT'
 * tumbling({ months: 1 }) // throws INVALID_CONFIG
 * ```
 */
export function tumbling(size: DurationLike, options: TumblingOptions = {}): TimeWindows {
  const sizeMs = toMillis(size, 'The size of tumbling windows', 1)
  return timeWindows('tumbling', { sizeMs, advanceMs: sizeMs }, options)
}

/**
 * Windows that overlap: a record falls into all that hold its timestamp. `hopping({ minutes: 5 }, { advance: { minutes:
 * 1 } })` has a window of five minutes starting every minute. Kafka Streams' `TimeWindows.advanceBy`.
 *
 * Throws INVALID_CONFIG for a size or advance below 1 ms, an advance above the size, a negative grace or offset, any of them
 * in months or years, or an offset that is not less than the advance.
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
export function hopping(size: DurationLike, { advance, ...options }: HoppingOptions): TimeWindows {
  const sizeMs = toMillis(size, 'The size of hopping windows', 1)
  const advanceMs = toMillis(advance, 'The advance of hopping windows', 1)
  if (advanceMs > sizeMs) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `The advance of hopping windows (${advanceMs} ms) is larger than their size (${sizeMs} ms), so that some ` +
        'records would be in no window. Give an advance of at most the size.',
    )
  }
  return timeWindows('hopping', { sizeMs, advanceMs }, options)
}

function timeWindows(
  name: string,
  { sizeMs, advanceMs }: { sizeMs: number; advanceMs: number },
  { grace = 0, offset = 0 }: TumblingOptions,
): TimeWindows {
  const graceMs = toMillis(grace, `The grace of ${name} windows`)
  const offsetMs = toMillis(offset, `The offset of ${name} windows`)
  if (offsetMs >= advanceMs) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `The offset of ${name} windows (${offsetMs} ms) is not less than the distance between them (${advanceMs} ms). ` +
        'Give what is left when it is divided by the distance.',
    )
  }
  /** End of the window that is cut off at the epoch, which there is when no window starts there. */
  const cutEnd = offsetMs === 0 ? 0 : offsetMs - advanceMs + sizeMs
  const hop = (time: number): number =>
    offsetMs + Math.floor((time - offsetMs) / advanceMs) * advanceMs

  const places = {
    firstStart: (timestamp: number) => {
      if (timestamp < cutEnd) return 0
      return hop(Math.max(offsetMs, timestamp - sizeMs + advanceMs))
    },
    nextStart: (start: number) => (start < offsetMs ? offsetMs : start + advanceMs),
    endOf: (start: number) => (start < offsetMs ? cutEnd : start + sizeMs),
    lastEnded: (time: number) => {
      if (time - sizeMs >= offsetMs) return hop(time - sizeMs)
      return offsetMs > 0 && time >= cutEnd ? 0 : -1
    },
  }
  return Object.freeze({
    kind: 'time',
    sizeMs,
    advanceMs,
    graceMs,
    ...places,
    windowsFor: (timestamp: number) => windowsFor(places, timestamp),
  })
}
