import { MillraceError } from '../errors.ts'
import type { RecordMetadata, StreamRecord } from './record.ts'
import type { UserFunction } from './user-function.ts'

/** The record that a timestamp is extracted from. */
export interface RecordOrigin extends RecordMetadata {
  /** The wall clock now, in milliseconds since the Unix epoch. */
  readonly wallClockTimeMs: number
}

/**
 * Gives the event time of a record, in milliseconds since the Unix epoch. A record with a negative one is left out and
 * counted as dropped. `partitionTime` is the largest timestamp taken from the partition so far, -1 before the first.
 * Kafka Streams' `TimestampExtractor`.
 */
export type TimestampExtractor<K = unknown, V = unknown> = UserFunction<
  [value: V, record: StreamRecord<K, V>, partitionTime: number, origin: RecordOrigin],
  number
>

/**
 * The timestamp that the record carries; the default. Throws INVALID_TIMESTAMP, which stops the application, for a
 * negative one: what wrote the record gave it none. Kafka Streams' `FailOnInvalidTimestamp`.
 *
 * @example
 * ```ts
 * import { failOnInvalidTimestamp, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   builder.stream('in', { ...text, timestamp: failOnInvalidTimestamp }).to('out')
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: -1 }) // throws INVALID_TIMESTAMP
 * ```
 */
export function failOnInvalidTimestamp(
  _value: unknown,
  { timestamp }: StreamRecord<unknown, unknown>,
  _partitionTime: number,
  origin: RecordMetadata,
): number {
  if (timestamp >= 0) return timestamp
  throw invalidTimestamp(timestamp, origin, 'Give the source another timestamp extractor.')
}

/**
 * The timestamp that the record carries; one with a negative timestamp is left out, with a warning. Kafka Streams'
 * `LogAndSkipOnInvalidTimestamp`.
 *
 * @example
 * ```ts
 * import { logAndSkipOnInvalidTimestamp, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   builder.stream('in', { ...text, timestamp: logAndSkipOnInvalidTimestamp }).to('out')
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: -1 })
 * driver.droppedRecords // → 1
 * ```
 */
export function logAndSkipOnInvalidTimestamp(
  _value: unknown,
  { timestamp }: StreamRecord<unknown, unknown>,
): number {
  return timestamp
}

/**
 * The timestamp that the record carries; of one without, the largest timestamp taken from its partition before. Throws
 * INVALID_TIMESTAMP when there was none yet. Kafka Streams' `UsePartitionTimeOnInvalidTimestamp`.
 *
 * @example
 * ```ts
 * import { string, usePartitionTimeOnInvalidTimestamp } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   builder.stream('in', { ...text, timestamp: usePartitionTimeOnInvalidTimestamp }).to('out')
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: 5 })
 * driver.inputTopic('in', text).pipe('a', 'no', { timestamp: -1 })
 * driver.outputTopic('out', text).readAll().map(({ timestamp }) => timestamp) // → [5, 5]
 * ```
 */
export function usePartitionTimeOnInvalidTimestamp(
  _value: unknown,
  { timestamp }: StreamRecord<unknown, unknown>,
  partitionTime: number,
  origin: RecordMetadata,
): number {
  if (timestamp >= 0) return timestamp
  if (partitionTime >= 0) return partitionTime
  throw invalidTimestamp(
    timestamp,
    origin,
    'No record of its partition had one before, so there is no partition time to use. Give the source another timestamp extractor.',
  )
}

/**
 * The time at which the record is read, whatever it carries. Kafka Streams' `WallclockTimestampExtractor`.
 *
 * @example
 * ```ts
 * import { string, wallclockTimestamp } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(
 *   builder => builder.stream('in', { ...text, timestamp: wallclockTimestamp }).to('out'),
 *   { startTimeMs: 1000 },
 * )
 * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: 5 })
 * driver.outputTopic('out', text).read() // → { timestamp: 1000, … }
 * ```
 */
export function wallclockTimestamp(
  _value: unknown,
  _record: StreamRecord<unknown, unknown>,
  _partitionTime: number,
  { wallClockTimeMs }: RecordOrigin,
): number {
  return wallClockTimeMs
}

function invalidTimestamp(
  timestamp: number,
  { topic, partition, offset }: RecordMetadata,
  advice: string,
): MillraceError {
  return new MillraceError(
    'INVALID_TIMESTAMP',
    `The record at topic ${topic}, partition ${partition}, offset ${offset} has the timestamp ${timestamp}: its producer wrote none, or one beyond 2^53. ${advice}`,
  )
}
