import { Duration, type DurationLikeObject } from 'luxon'
import { MillraceError } from '../errors.ts'

/** A span of time: `{ minutes: 5 }`, a luxon `Duration`, or a number of milliseconds. */
export type DurationLike = Duration | DurationLikeObject | number

/**
 * The span in milliseconds. `what` begins the error's sentence, such as "The size of tumbling windows".
 *
 * Throws INVALID_CONFIG when it is not a whole number of milliseconds of at least `min`, or has units whose length
 * depends on the calendar (months, quarters, years).
 */
export function toMillis(duration: DurationLike, what: string, min = 0): number {
  const parsed = parse(duration, what)
  const { months = 0, quarters = 0, years = 0 } = parsed.toObject()
  if (months !== 0 || quarters !== 0 || years !== 0) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `${what} is given in months or years, whose length varies. Give it in weeks, days or smaller units.`,
    )
  }
  const millis = parsed.toMillis()
  if (Number.isSafeInteger(millis) && millis >= min) return millis
  throw new MillraceError(
    'INVALID_CONFIG',
    `${what} is ${millis} ms; it must be a whole number of milliseconds of at least ${min}.`,
  )
}

function parse(duration: DurationLike, what: string): Duration {
  try {
    return Duration.fromDurationLike(duration)
  } catch (cause) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `${what} is not a span of time: ${JSON.stringify(duration)}. Give it as { minutes: 5 }, a luxon Duration, or a ` +
        'number of milliseconds.',
      { cause },
    )
  }
}
