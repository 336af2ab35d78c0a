import type { KTable } from './ktable.ts'
import type { FirstAggregate, NoNullReduced } from './not-null.ts'
import type { Materialized } from './options.ts'
import type { TopologyTypeError } from './type-error.ts'

/**
 * Rows of a table grouped by a new key, to aggregate into another table. When a row changes, its old value is subtracted
 * from the group it was in, then its new one is added to the group it is in now. Kafka Streams' `KGroupedTable`.
 */
export interface KGroupedTable<K, V> {
  /**
   * How many rows each group has. A group that has none any more keeps a row of 0. Stored as `long` unless `value` says
   * otherwise. `KTABLE-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .table('city-of', text)
   *     .groupBy((person, city) => [city, person], text)
   *     .count({ store: 'people' })
   * })
   * driver.inputTopic('city-of', text).pipe('Ada', 'Bern')
   * driver.inputTopic('city-of', text).pipe('Bob', 'Bern')
   * driver.inputTopic('city-of', text).pipe('Ada', 'Rome')
   * driver.keyValueStore('people').rows() // → [
   * //   { key: 'Bern', value: 1, timestamp: 0 },
   * //   { key: 'Rome', value: 1, timestamp: 0 }
   * // ]
   * ```
   */
  count(options?: Materialized<K, number>): KTable<K, number>

  /**
   * Combines the values of each group; the first one is taken as it is. The subtractor must undo what the adder did; it
   * may return null for a group that is empty then. `KTABLE-REDUCE`.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const stock = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .table('stock', stock)
   *     .groupBy((item, amount) => [item.slice(0, 1), amount], stock)
   *     .reduce((sum, amount) => sum + amount, (sum, amount) => sum - amount, { store: 'sums' })
   * })
   * driver.inputTopic('stock', stock).pipe('a1', 7)
   * driver.inputTopic('stock', stock).pipe('a2', 3)
   * driver.inputTopic('stock', stock).pipe('a1', 5)
   * driver.keyValueStore('sums').get('a') // → { value: 8, timestamp: 0 }
   * ```
   */
  reduce(
    adder: (aggregate: V, value: V) => V | TopologyTypeError<NoNullReduced>,
    subtractor: (aggregate: V, value: V) => V | null,
    options?: Materialized<K, V>,
  ): KTable<K, V>

  /**
   * Folds the values of each group into an aggregate, which starts from the initializer's. Return a new aggregate, or
   * null to delete the row; do not change the one you get. It is stored as JSON unless `value` says otherwise.
   * `KTABLE-AGGREGATE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .table('city-of', text)
   *     .groupBy((person, city) => [city, person], text)
   *     .aggregate(
   *       (): string[] => [],
   *       (_, person, people) => [...people, person],
   *       (_, person, people) => people.filter(other => other !== person),
   *       { store: 'people' },
   *     )
   * })
   * driver.inputTopic('city-of', text).pipe('Ada', 'Bern')
   * driver.inputTopic('city-of', text).pipe('Bob', 'Bern')
   * driver.inputTopic('city-of', text).pipe('Ada', null)
   * driver.keyValueStore('people').get('Bern') // → { value: ['Bob'], timestamp: 0 }
   * ```
   */
  aggregate<A>(
    initializer: FirstAggregate<A>,
    adder: (key: K, value: V, aggregate: A) => A | null,
    subtractor: (key: K, value: V, aggregate: A) => A | null,
    options?: Materialized<K, A>,
  ): KTable<K, A>
}
