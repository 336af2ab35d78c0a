import type { Windowed } from '../serde/windowed.ts'
import type { EmitStrategy } from '../topology/operators/closed-windows.ts'
import type { KTable } from './ktable.ts'
import type { FirstAggregate, NoNullMerged, NoNullReduced } from './not-null.ts'
import type { MaterializedWindows } from './options.ts'
import type { TopologyTypeError } from './type-error.ts'

/**
 * Records grouped by key and window. Records with a null key are dropped, and those whose windows are closed; a null
 * value goes to the aggregator, as in Kafka Streams, but is dropped by sliding windows.
 */
export interface TimeWindowedKStream<K, V> {
  /**
   * The same, with results when the strategy says: with each record, which is `onWindowUpdate` and the default, or once, when
   * the window has closed. Windows close with the record that moves stream time to their end and grace; they go out by start,
   * then key. Only what the store still has can go out: where time may jump, give a retention that is longer than the jump.
   * KIP-825.
   *
   * Throws INVALID_TOPOLOGY for `onWindowClose` on windows that never end.
   *
   * @example
   * ```ts
   * import { long, string, tumbling, windowed } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 }, { grace: { seconds: 10 } })
   *   const grouped = builder.stream('words', text).groupByKey().windowedBy(perMinute)
   *   grouped.emitStrategy('onWindowClose').count().toStream().to('counts')
   * })
   * const words = driver.inputTopic('words', text)
   * const counts = driver.outputTopic('counts', { key: windowed(string(), 60_000), value: long() })
   * words.pipe('a', 'one', { timestamp: 1_000 })
   * words.pipe('a', 'two', { timestamp: 59_000 })
   * words.pipe('a', 'three', { timestamp: 69_999 })
   * counts.size // → 0
   * words.pipe('a', 'four', { timestamp: 70_000 })
   * counts.read() // → { key: { key: 'a', window: { start: 0, end: 60_000 } }, value: 2, … }
   * ```
   */
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V>

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
    reducer: (aggregate: V, value: V) => V | TopologyTypeError<NoNullReduced>,
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
    initializer: FirstAggregate<A>,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A>
}

/**
 * Records grouped by key and session. Records with a null key are dropped, and those whose sessions are closed; a null value
 * goes to the aggregator. When a session grows or several become one, the table has a tombstone for each that was, then
 * the new one. Kafka Streams' `SessionWindowedKStream`.
 */
export interface SessionWindowedKStream<K, V> {
  /**
   * As `TimeWindowedKStream.emitStrategy`; sessions go out by end, then start, then key.
   *
   * @example
   * ```ts
   * import { long, sessionWindowed, sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const grouped = builder.stream('clicks', text).groupByKey().windowedBy(sessions(1_000))
   *   grouped.emitStrategy('onWindowClose').count().toStream().to('visits')
   * })
   * const clicks = driver.inputTopic('clicks', text)
   * const visits = driver.outputTopic('visits', { key: sessionWindowed(string()), value: long() })
   * clicks.pipe('ann', '/', { timestamp: 0 })
   * clicks.pipe('ann', '/cart', { timestamp: 900 })
   * visits.size // → 0
   * clicks.pipe('bob', '/', { timestamp: 1_901 })
   * visits.read() // → { key: { key: 'ann', window: { start: 0, end: 900 } }, value: 2, … }
   * ```
   */
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V>

  /**
   * How many records each session has. Stored as `long` unless `value` says otherwise. `KSTREAM-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { long, sessionWindowed, sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const grouped = builder.stream('clicks', text).groupByKey().windowedBy(sessions(1_000))
   *   grouped.count().toStream().to('visits')
   * })
   * const visits = driver.outputTopic('visits', { key: sessionWindowed(string()), value: long() })
   * driver.inputTopic('clicks', text).pipe('ann', '/', { timestamp: 0 })
   * driver.inputTopic('clicks', text).pipe('ann', '/cart', { timestamp: 900 })
   * const results = visits.readAll().map(({ key, value }) => [key?.window.end, value])
   * results // → [[0, 1], [0, null], [900, 2]]
   * ```
   */
  count(options?: MaterializedWindows<K, number>): KTable<Windowed<K>, number>

  /**
   * Combines the values of each session; the first one is taken as it is. Aggregates of two sessions that become one are
   * combined in the same way. `KSTREAM-REDUCE`.
   *
   * @example
   * ```ts
   * import { integer, sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const amounts = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   const grouped = builder.stream('amounts', amounts).groupByKey()
   *   grouped.windowedBy(sessions(100)).reduce((sum, amount) => sum + amount, { store: 'sums' })
   * })
   * driver.inputTopic('amounts', amounts).pipe('a', 7, { timestamp: 0 })
   * driver.inputTopic('amounts', amounts).pipe('a', 3, { timestamp: 50 })
   * driver.sessionStore('sums').fetch('a') // → [{ start: 0, end: 50, value: 10, … }]
   * ```
   */
  reduce(
    reducer: (aggregate: V, value: V) => V | TopologyTypeError<NoNullReduced>,
    options?: MaterializedWindows<K, V>,
  ): KTable<Windowed<K>, V>

  /**
   * Folds the values of each session. The merger makes one aggregate of those of two sessions: it is called for each session
   * that a record reaches, the earliest first, and begins with what the initializer gives; then the aggregator adds the
   * record. `KSTREAM-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const visits = builder
   *     .stream('clicks', text)
   *     .groupByKey()
   *     .windowedBy(sessions(1_000, { grace: 5_000 }))
   *   visits.aggregate(
   *     () => '',
   *     (_, page, path) => path + page,
   *     (_, earlier, later) => earlier + later,
   *     { store: 'paths' },
   *   )
   * })
   * const clicks = driver.inputTopic('clicks', text)
   * clicks.pipe('ann', '/', { timestamp: 0 })
   * clicks.pipe('ann', '/pay', { timestamp: 1_500 })
   * driver.sessionStore('paths').rows().length // → 2
   * clicks.pipe('ann', '/cart', { timestamp: 800 })
   * driver.sessionStore('paths').rows() // → [
   * //   { key: 'ann', start: 0, end: 1_500, value: '//pay/cart', timestamp: 800 }
   * // ]
   * ```
   */
  aggregate<A>(
    initializer: FirstAggregate<A>,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    merger: (key: K, one: A, two: A) => NoInfer<A> | TopologyTypeError<NoNullMerged>,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A>
}
