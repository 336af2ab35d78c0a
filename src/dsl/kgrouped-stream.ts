import type { SessionWindows } from '../windowing/session-windows.ts'
import type { SlidingWindows } from '../windowing/sliding-windows.ts'
import type { Windows } from '../windowing/windows.ts'
import type { CogroupedKStream } from './cogrouped-kstream.ts'
import type { GroupedHandle, handle } from './handle.ts'
import type { KTable } from './ktable.ts'
import type { FirstAggregate, NoNullReduced } from './not-null.ts'
import type { Materialized } from './options.ts'
import type { TopologyTypeError } from './type-error.ts'
import type { SessionWindowedKStream, TimeWindowedKStream } from './windowed-kstream.ts'

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
  reduce(
    reducer: (aggregate: V, value: V) => V | TopologyTypeError<NoNullReduced>,
    options?: Materialized<K, V>,
  ): KTable<K, V>

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
    initializer: FirstAggregate<A>,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: Materialized<K, A>,
  ): KTable<K, A>

  /**
   * Aggregates each window of event time on its own: `tumbling`, `hopping`, `calendar`, `unlimited` or `sliding` ones.
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
  windowedBy(windows: Windows | SlidingWindows): TimeWindowedKStream<K, V>

  /**
   * Aggregates each session of a key on its own.
   *
   * @example
   * ```ts
   * import { sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const grouped = builder.stream('clicks', text).groupByKey()
   *   grouped.windowedBy(sessions({ minutes: 30 })).count({ store: 'visits' })
   * })
   * driver.inputTopic('clicks', text).pipe('ann', '/', { timestamp: 0 })
   * driver.inputTopic('clicks', text).pipe('ann', '/cart', { timestamp: 60_000 })
   * driver.sessionStore('visits').rows() // → [
   * //   { key: 'ann', start: 0, end: 60_000, value: 2, timestamp: 60_000 }
   * // ]
   * ```
   */
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>

  /**
   * Begins an aggregate that several grouped streams fold their records into, each in its own way: the aggregator of this one
   * is given here, the others follow with `cogroup`. One table and one store are made of all of them.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const amounts = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   const orders = builder.stream('orders', amounts).groupByKey()
   *   const payments = builder.stream('payments', amounts).groupByKey()
   *   orders
   *     .cogroup((_, amount, owed: number) => owed + amount)
   *     .cogroup(payments, (_, amount, owed) => owed - amount)
   *     .aggregate(() => 0, { store: 'owed' })
   * })
   * driver.inputTopic('orders', amounts).pipe('ann', 30)
   * driver.inputTopic('payments', amounts).pipe('ann', 20)
   * driver.keyValueStore('owed').get('ann') // → { value: 10, timestamp: 0 }
   * ```
   */
  cogroup<A>(aggregator: (key: K, value: V, aggregate: A) => A | null): CogroupedKStream<K, A>

  /** Not here: only windows close. What calls it reads so. */
  readonly emitStrategy?: TopologyTypeError<'Only windowed streams have windows that close: call windowedBy before emitStrategy'>

  readonly [handle]: GroupedHandle<K, V>
}
