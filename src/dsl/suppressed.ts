import { MillraceError } from '../errors.ts'
import { type DurationLike, toMillis } from '../windowing/duration.ts'

/** How many changes may be held back. Without limits there may be any number. Kafka Streams' `StrictBufferConfig`. */
export interface StrictBufferConfig {
  /** Of so many keys at most. */
  readonly maxRecords?: number
  /** Of about so many bytes at most: those of keys, values, headers and topics, and 28 for each. */
  readonly maxBytes?: number
}

/** The same, where more may go out early. Kafka Streams' `BufferConfig`. */
export interface BufferConfig extends StrictBufferConfig {
  /**
   * What to do with more: let the oldest go, or stop the application. Kafka Streams' `emitEarlyWhenFull` and `shutDownWhenFull`.
   *
   * @defaultValue 'emitEarly'
   */
  readonly whenFull?: 'emitEarly' | 'shutDown'
}

interface Limits {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly whenFull: 'emitEarly' | 'shutDown'
}

/** Made by `untilTimeLimit`. Kafka Streams' `Suppressed`. */
export interface UntilTimeLimit extends Limits {
  readonly kind: 'untilTimeLimit'
  readonly timeLimitMs: number
}

/** Made by `untilWindowCloses`. Kafka Streams' `Suppressed`. */
export interface UntilWindowCloses extends Limits {
  readonly kind: 'untilWindowCloses'
  readonly timeLimitMs: null
}

/**
 * Holds the changes of a row back until the event time of the first of them is `limit` in the past; then the last one goes out.
 * It is event time that must go on: without records nothing goes out. Kafka Streams' `Suppressed.untilTimeLimit`.
 *
 * Throws INVALID_CONFIG for a negative limit or one in months or years, and for a number of records or bytes below 0.
 *
 * @example
 * ```ts
 * import { string, untilTimeLimit } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   const prices = builder.table('prices', text)
 *   const calm = untilTimeLimit({ minutes: 1 }, { maxRecords: 1000 })
 *   prices.suppress(calm, { name: 'calm' }).toStream().to('calm-prices')
 * })
 * const prices = driver.inputTopic('prices', text)
 * prices.pipe('gold', '10', { timestamp: 0 })
 * prices.pipe('gold', '12', { timestamp: 30_000 })
 * prices.pipe('silver', '3', { timestamp: 60_000 })
 * driver.outputTopic('calm-prices', text).readAll() // → [
 * //   { key: 'gold', value: '12', timestamp: 30_000, … }
 * // ]
 * untilTimeLimit({ minutes: 1 }, { maxRecords: -1 }) // throws INVALID_CONFIG
 * ```
 */
export function untilTimeLimit(limit: DurationLike, buffer: BufferConfig = {}): UntilTimeLimit {
  const timeLimitMs = toMillis(limit, 'The time limit of suppress')
  const limits = limitsOf(buffer, buffer.whenFull ?? 'emitEarly')
  return Object.freeze({ kind: 'untilTimeLimit', timeLimitMs, ...limits })
}

/**
 * Holds the results of a windowed aggregation back until the window and its grace are over: each window gives one result, the
 * final one, and none if it was deleted. When there are more than `buffer` allows the application stops, since a result
 * that went out early would not be final. Kafka Streams' `Suppressed.untilWindowCloses`.
 *
 * Throws INVALID_CONFIG for a number of records or bytes below 0.
 *
 * @example
 * ```ts
 * import { long, string, tumbling, untilWindowCloses, windowed } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const counts = { key: windowed(string(), 60_000), value: long() }
 * const driver = new TestDriver(builder => {
 *   const grouped = builder.stream('clicks', text).groupByKey()
 *   const minutes = grouped.windowedBy(tumbling({ minutes: 1 }, { grace: { seconds: 10 } }))
 *   minutes.count().suppress(untilWindowCloses()).toStream().to('clicks-a-minute', counts)
 * })
 * const clicks = driver.inputTopic('clicks', text)
 * clicks.pipe('a', 'x', { timestamp: 1_000 })
 * clicks.pipe('a', 'y', { timestamp: 62_000 })
 * clicks.pipe('a', 'late', { timestamp: 59_000 })
 * driver.outputTopic('clicks-a-minute', counts).readAll() // → []
 * clicks.pipe('b', 'z', { timestamp: 70_000 })
 * driver.outputTopic('clicks-a-minute', counts).readAll() // → [
 * //   { key: { key: 'a', window: { start: 0, end: 60_000 } }, value: 2, timestamp: 59_000, … }
 * // ]
 * ```
 */
export function untilWindowCloses(buffer: StrictBufferConfig = {}): UntilWindowCloses {
  const limits = limitsOf(buffer, 'shutDown')
  return Object.freeze({ kind: 'untilWindowCloses', timeLimitMs: null, ...limits })
}

function limitsOf(
  { maxRecords = Infinity, maxBytes = Infinity }: StrictBufferConfig,
  whenFull: Limits['whenFull'],
): Limits {
  checkLimit(maxRecords, 'maxRecords')
  checkLimit(maxBytes, 'maxBytes')
  return { maxRecords, maxBytes, whenFull }
}

function checkLimit(limit: number, name: string): void {
  if (limit >= 0) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `The ${name} of suppress is ${limit}. Give a number of at least 0, or none for no limit.`,
  )
}
