import type { ProcessorContext } from './processor.ts'
import type { Headers, StreamRecord } from './record.ts'

/**
 * A processor that cannot change keys, so what it forwards stays in its partition. Kafka Streams'
 * `processor.api.FixedKeyProcessor`.
 */
export interface FixedKeyProcessor<K = unknown, VIn = unknown> {
  /** Takes a record. What it throws is for the processing handler to decide. */
  process(record: FixedKeyRecord<K, VIn>): void
  /** Called when the task ends, however it ends. */
  close?(): void
}

/** As `ProcessorSupplier`. Kafka Streams' `FixedKeyProcessorSupplier`. */
export type FixedKeyProcessorSupplier<K = unknown, VIn = unknown, VOut = unknown> = (
  context: FixedKeyProcessorContext<K, VOut>,
) => FixedKeyProcessor<K, VIn>

/** As `ProcessorContext`, but only records made from those that came can be forwarded. */
export interface FixedKeyProcessorContext<K = unknown, VOut = unknown> extends Omit<
  ProcessorContext,
  'forward'
> {
  /** As that of `ProcessorContext`. */
  forward(record: FixedKeyRecord<K, VOut>, childName?: string): void
}

/**
 * A record whose key is as it came. Applications do not make one: they change those that they were given, and nothing else
 * compiles where one is wanted, because neither a literal nor a copy by `{ ...record }` has these methods. Kafka Streams'
 * `processor.api.FixedKeyRecord`.
 *
 * @example
 * ```ts
 * import { string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   const processed = builder.stream('in', text).processValues<number>(context => ({
 *     process(record) {
 *       context.forward(record.withValue(1).withTimestamp(5).withHeaders([]))
 *       // @ts-expect-error A key cannot be changed here.
 *       if (record.value === 'other') context.forward({ ...record, key: 'b', value: 2 })
 *     },
 *     close() {},
 *   }))
 *   processed.mapValues(String).to('out', text)
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: 1 })
 * driver.outputTopic('out', text).read() // → { key: 'a', value: '1', timestamp: 5, headers: [] }
 * ```
 */
export class FixedKeyRecord<K, V> implements StreamRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: Headers

  constructor(key: K, value: V, timestamp: number, headers: Headers) {
    this.key = key
    this.value = value
    this.timestamp = timestamp
    this.headers = headers
  }

  /** The same with another value. */
  withValue<V2>(value: V2): FixedKeyRecord<K, V2> {
    return new FixedKeyRecord(this.key, value, this.timestamp, this.headers)
  }

  /** The same at another time: `timestamp` is event time in milliseconds since the Unix epoch. */
  withTimestamp(timestamp: number): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(this.key, this.value, timestamp, this.headers)
  }

  /** The same with other headers. */
  withHeaders(headers: Headers): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(this.key, this.value, this.timestamp, headers)
  }
}
