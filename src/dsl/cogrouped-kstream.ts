import type { Windowed } from '../serde/windowed.ts'
import type { SessionWindows } from '../windowing/session-windows.ts'
import type { SlidingWindows } from '../windowing/sliding-windows.ts'
import type { Windows } from '../windowing/windows.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { FirstAggregate, NoNullMerged } from './not-null.ts'
import type { Materialized, MaterializedWindows } from './options.ts'
import type { SameStreamKey } from './same-key.ts'
import type { TopologyTypeError } from './type-error.ts'

/**
 * Several grouped streams with the aggregator of each, to make one table of. Their topics must have the same number of
 * partitions. Kafka Streams' `CogroupedKStream`.
 */
export interface CogroupedKStream<K, A> {
  /**
   * Adds a stream, whose values may be of another type. A stream that is given again gets another aggregator.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const numbers = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   const named = builder.stream('names', text).groupByKey()
   *   const scored = builder.stream('scores', numbers).groupByKey()
   *   named
   *     .cogroup((_, name, player: { name: string; score: number }) => ({ ...player, name }))
   *     .cogroup(scored, (_, points, player) => ({ ...player, score: player.score + points }))
   *     .aggregate(() => ({ name: '', score: 0 }), { store: 'players' })
   * })
   * driver.inputTopic('scores', numbers).pipe('a', 5)
   * driver.inputTopic('names', text).pipe('a', 'Ann')
   * driver.keyValueStore('players').get('a') // → { value: { name: 'Ann', score: 5 }, timestamp: 0 }
   * ```
   */
  cogroup<KO, V>(
    other: KGroupedStream<KO, V> & SameStreamKey<K, KO>,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
  ): CogroupedKStream<K, A>

  /**
   * The table. Each stream's aggregator changes the aggregate of the key, or deletes it with null; records with a null key
   * or value are dropped. It is stored as JSON unless `value` says otherwise. `COGROUPKSTREAM-AGGREGATE` for each stream, and
   * `COGROUPKSTREAM-MERGE`.
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
   *     .cogroup(payments, (_, amount, owed) => (owed === amount ? null : owed - amount))
   *     .aggregate(() => 0, { store: 'owed' })
   * })
   * driver.inputTopic('orders', amounts).pipe('ann', 30)
   * driver.inputTopic('payments', amounts).pipe('ann', 30)
   * driver.keyValueStore('owed').get('ann') // → undefined
   * ```
   */
  aggregate(initializer: FirstAggregate<A>, options?: Materialized<K, A>): KTable<K, A>

  /**
   * Aggregates each window of event time on its own: `tumbling`, `hopping`, `calendar`, `unlimited` or `sliding` ones.
   *
   * @example
   * ```ts
   * import { string, tumbling } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const left = builder.stream('left', text).groupByKey()
   *   const right = builder.stream('right', text).groupByKey()
   *   left
   *     .cogroup((_, value, all: string) => `${all}<${value}`)
   *     .cogroup(right, (_, value, all) => `${all}>${value}`)
   *     .windowedBy(tumbling({ seconds: 10 }))
   *     .aggregate(() => '', { store: 'all' })
   * })
   * driver.inputTopic('left', text).pipe('a', '1', { timestamp: 1_000 })
   * driver.inputTopic('right', text).pipe('a', '2', { timestamp: 9_000 })
   * driver.windowStore('all').fetch('a', 0) // → { value: '<1>2', timestamp: 9_000 }
   * ```
   */
  windowedBy(windows: Windows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>

  /**
   * Aggregates each session of a key on its own: records of all streams make it longer.
   *
   * @example
   * ```ts
   * import { sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const left = builder.stream('left', text).groupByKey()
   *   const right = builder.stream('right', text).groupByKey()
   *   left
   *     .cogroup((_, value, all: string) => `${all}<${value}`)
   *     .cogroup(right, (_, value, all) => `${all}>${value}`)
   *     .windowedBy(sessions({ seconds: 10 }))
   *     .aggregate(() => '', (_, one, two) => one + two, { store: 'all' })
   * })
   * driver.inputTopic('left', text).pipe('a', '1', { timestamp: 1_000 })
   * driver.inputTopic('right', text).pipe('a', '2', { timestamp: 9_000 })
   * driver.sessionStore('all').fetch('a') // → [{ start: 1_000, end: 9_000, value: '<1>2', … }]
   * ```
   */
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
}

/** Grouped streams in windows. Kafka Streams' `TimeWindowedCogroupedKStream`. */
export interface TimeWindowedCogroupedKStream<K, A> {
  /**
   * The table, with an aggregate for each key and window. It is stored as JSON unless `value` says otherwise.
   *
   * @example
   * ```ts
   * import { sliding, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const left = builder.stream('left', text).groupByKey()
   *   const right = builder.stream('right', text).groupByKey()
   *   left
   *     .cogroup((_, value, all: string) => `${all}<${value}`)
   *     .cogroup(right, (_, value, all) => `${all}>${value}`)
   *     .windowedBy(sliding(100))
   *     .aggregate(() => '', { store: 'all' })
   * })
   * driver.inputTopic('left', text).pipe('a', '1', { timestamp: 1_000 })
   * driver.inputTopic('right', text).pipe('a', '2', { timestamp: 1_050 })
   * driver.windowStore('all').fetch('a', 950) // → { value: '<1>2', timestamp: 1_050 }
   * ```
   */
  aggregate(
    initializer: FirstAggregate<A>,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A>
}

/** Grouped streams in sessions. Kafka Streams' `SessionWindowedCogroupedKStream`. */
export interface SessionWindowedCogroupedKStream<K, A> {
  /**
   * The table, with an aggregate for each session; the merger makes one of those of two sessions. It is stored as JSON
   * unless `value` says otherwise.
   *
   * @example
   * ```ts
   * import { integer, sessions, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const amounts = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   const wins = builder.stream('wins', amounts).groupByKey()
   *   const losses = builder.stream('losses', amounts).groupByKey()
   *   wins
   *     .cogroup((_, amount, sum: number) => sum + amount)
   *     .cogroup(losses, (_, amount, sum) => sum - amount)
   *     .windowedBy(sessions({ minutes: 5 }))
   *     .aggregate(() => 0, (_, one, two) => one + two, { store: 'sums' })
   * })
   * driver.inputTopic('wins', amounts).pipe('ann', 7, { timestamp: 0 })
   * driver.inputTopic('losses', amounts).pipe('ann', 5, { timestamp: 1_000 })
   * driver.sessionStore('sums').fetch('ann') // → [{ start: 0, end: 1_000, value: 2, … }]
   * ```
   */
  aggregate(
    initializer: FirstAggregate<A>,
    merger: (key: K, one: A, two: A) => NoInfer<A> | TopologyTypeError<NoNullMerged>,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A>
}
