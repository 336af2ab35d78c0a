import type { Windowed } from '../serde/windowed.ts'
import type { TimeWindows } from '../windowing/time-windows.ts'
import type { KTable } from './ktable.ts'
import type { Materialized, MaterializedWindows } from './options.ts'

/** Records grouped by key, to aggregate into a table. Records with a null key or value are dropped. */
export interface KGroupedStream<K, V> {
  /**
   * How many records each key has had. Stored as `long` unless `value` says otherwise. `KSTREAM-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.keyValueStore('counts').get('a') // → { value: 2, timestamp: 0 }
   * ```
   */
  count(options?: Materialized<K, number>): KTable<K, number>

  /**
   * Combines the values of each key; the first one is taken as it is. `KSTREAM-REDUCE`.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const amounts = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('amounts', amounts).groupByKey().reduce(Math.max, { store: 'largest' })
   * })
   * driver.inputTopic('amounts', amounts).pipe('a', 7)
   * driver.inputTopic('amounts', amounts).pipe('a', 3)
   * driver.keyValueStore('largest').get('a') // → { value: 7, timestamp: 0 }
   * ```
   */
  reduce(reducer: (aggregate: V, value: V) => V, options?: Materialized<K, V>): KTable<K, V>

  /**
   * Folds the values of each key into an aggregate, which starts from the initializer's. Return a new aggregate, or
   * null to delete the row; do not change the one you get. It is stored as JSON unless `value` says otherwise.
   * `KSTREAM-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().aggregate(
   *     (): string[] => [],
   *     (_, word, words) => [...words, word],
   *     { store: 'words-of' },
   *   )
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.keyValueStore('words-of').get('a') // → { value: ['yes', 'no'], timestamp: 0 }
   * ```
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: Materialized<K, A>,
  ): KTable<K, A>

  /**
   * Aggregates each window of event time on its own: `tumbling` or `hopping`.
   *
   * @example
   * ```ts
   * import { hopping, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('words', text)
   *     .groupByKey()
   *     .windowedBy(hopping({ seconds: 10 }, { advance: { seconds: 5 } }))
   *     .count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 7_000 })
   * driver.windowStore('counts').rows() // → [
   * //   { key: 'a', windowStart: 0, value: 1, timestamp: 7_000 },
   * //   { key: 'a', windowStart: 5_000, value: 1, timestamp: 7_000 }
   * // ]
   * ```
   */
  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V>
}

/**
 * Records grouped by key and window. Records with a null key are dropped, and those whose windows are closed; a null
 * value goes to the aggregator, as in Kafka Streams.
 */
export interface TimeWindowedKStream<K, V> {
  /**
   * How many records each key has in each window. Stored as `long` unless `value` says otherwise. `KSTREAM-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { long, string, tumbling, windowed } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const counts = { key: windowed(string(), 60_000), value: long() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   const grouped = builder.stream('words', text).groupByKey().windowedBy(perMinute)
   *   grouped.count().toStream().to('counts', { value: long() })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 61_000 })
   * driver.outputTopic('counts', counts).read() // → {
   * //   key: { key: 'a', window: { start: 60_000, end: 120_000 } }, value: 1, …
   * // }
   * ```
   */
  count(options?: MaterializedWindows<K, number>): KTable<Windowed<K>, number>

  /**
   * Combines the values of each key and window; the first one is taken as it is. `KSTREAM-REDUCE`.
   *
   * @example
   * ```ts
   * import { integer, string, tumbling } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const amounts = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   const grouped = builder.stream('amounts', amounts).groupByKey().windowedBy(perMinute)
   *   grouped.reduce((sum, amount) => sum + amount, { store: 'sums' })
   * })
   * driver.inputTopic('amounts', amounts).pipe('a', 7, { timestamp: 1_000 })
   * driver.inputTopic('amounts', amounts).pipe('a', 3, { timestamp: 59_999 })
   * driver.windowStore('sums').fetch('a', 0) // → { value: 10, timestamp: 59_999 }
   * ```
   */
  reduce(
    reducer: (aggregate: V, value: V) => V,
    options?: MaterializedWindows<K, V>,
  ): KTable<Windowed<K>, V>

  /**
   * Folds the values of each key and window, as `KGroupedStream.aggregate`. `KSTREAM-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { string, tumbling } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   const grouped = builder.stream('words', text).groupByKey().windowedBy(perMinute)
   *   grouped.aggregate(() => '', (_, word, all) => `${all}${word} `, { store: 'sentences' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 61_000 })
   * driver.inputTopic('words', text).pipe('a', 'no', { timestamp: 62_000 })
   * driver.inputTopic('words', text).pipe('a', 'late', { timestamp: 2_000 })
   * driver.windowStore('sentences').fetch('a', 60_000) // → { value: 'yes no ', timestamp: 62_000 }
   * driver.droppedRecords // → 1
   * ```
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A>
}
