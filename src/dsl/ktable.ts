import type { Handle, handle } from './handle.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type { GroupedTable, Materialized, Named } from './options.ts'

/**
 * A table: the latest value of each key. What flows out of it are its changes. A table with a named store can be
 * queried; others keep rows only where a join looks them up.
 */
export interface KTable<K, V> {
  readonly kind: 'KTable'
  readonly [handle]: Handle<K, V>

  /**
   * The rows for which the predicate is true. A row that stops to pass is deleted. `KTABLE-FILTER`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.table('words', text).filter((_, word) => word.length > 2).toStream().to('long-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.outputTopic('long-words', text).readAll() // → [
   * //   { key: 'a', value: 'yes', … },
   * //   { key: 'a', value: null, … }
   * // ]
   * ```
   */
  filter<S extends V>(
    predicate: (key: K, value: V) => value is S,
    options?: Materialized<K, S>,
  ): KTable<K, S>
  filter(predicate: (key: K, value: V) => boolean, options?: Materialized<K, V>): KTable<K, V>

  /**
   * The rows for which the predicate is false. `KTABLE-FILTER`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.table('words', text).filterNot((_, word) => word.length > 2, { store: 'short' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.inputTopic('words', text).pipe('b', 'yes')
   * driver.keyValueStore('short').rows() // → [{ key: 'a', value: 'no', … }]
   * ```
   */
  filterNot(predicate: (key: K, value: V) => boolean, options?: Materialized<K, V>): KTable<K, V>

  /**
   * Rows with new values; not called for deletions. `KTABLE-MAPVALUES`.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .table('words', text)
   *     .mapValues(word => word.length, { store: 'lengths', value: integer() })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('b', null)
   * driver.keyValueStore('lengths').rows() // → [{ key: 'a', value: 3, … }]
   * ```
   */
  mapValues<V2>(mapper: (value: V, key: K) => V2, options?: Materialized<K, V2>): KTable<K, V2>

  /**
   * Groups rows by a new key, to aggregate: the selector gives the key of a row's group and the value to aggregate. Rows
   * for which either is null are in no group. The serdes are those of the repartition topic through which rows go to
   * their groups. `KTABLE-SELECT`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const cityOf = builder.table('city-of', text)
   *   cityOf.groupBy((person, city) => [city, person], text).count({ store: 'people' })
   * })
   * driver.inputTopic('city-of', text).pipe('Ada', 'Bern')
   * driver.inputTopic('city-of', text).pipe('Bob', 'Bern')
   * driver.keyValueStore('people').get('Bern') // → { value: 2, timestamp: 0 }
   * driver.inputTopic('city-of', text).pipe('Ada', null)
   * driver.keyValueStore('people').get('Bern') // → { value: 1, timestamp: 0 }
   * ```
   */
  groupBy<K2, V2>(
    selector: (key: K, value: V) => readonly [K2 | null, V2 | null],
    options: GroupedTable<K2, V2>,
  ): KGroupedTable<K2, V2>

  /**
   * The changes of the table as records: a new value for each update, null for each deletion. `KTABLE-TOSTREAM`.
   *
   * @example
   * ```ts
   * import { long, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const counts = { key: string(), value: long() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count().toStream().to('counts', counts)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.outputTopic('counts', counts).readAll() // → [
   * //   { key: 'a', value: 1, … },
   * //   { key: 'a', value: 2, … }
   * // ]
   * ```
   */
  toStream(options?: Named): KStream<K, V>
}
