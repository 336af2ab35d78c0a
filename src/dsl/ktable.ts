import type { ValueTransformerSupplier } from '../topology/value-transformer.ts'
import type { Handle, handle } from './handle.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type {
  GroupedTable,
  Materialized,
  MaterializedTransform,
  Named,
  SuppressOptions,
  TableJoined,
} from './options.ts'
import type { SameTableKey } from './same-key.ts'
import type { UntilTimeLimit, UntilWindowCloses } from './suppressed.ts'
import type { WindowedKey } from './windowed-key.ts'

/**
 * A table: the latest value of each key. What flows out of it are its changes. A table with a named store can be
 * queried; others keep rows only where a join looks them up.
 */
export interface KTable<K, V> {
  readonly kind: 'KTable'
  /** Name of the store by which the table can be queried; undefined if none was given. Kafka Streams' method of that name. */
  readonly queryableStoreName: string | undefined
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
   * The rows of both tables that have the same key, joined. Each change of either table gives a new row; without a row
   * on one side there is none. With any option but a name the result is stored. Both topics must have the same number of
   * partitions. Throws INVALID_TOPOLOGY for a table of another builder. `KTABLE-MERGE`, `KTABLE-JOINTHIS` and
   * `KTABLE-JOINOTHER`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const names = builder.table('names', text)
   *   const cities = builder.table('cities', text)
   *   names
   *     .join(cities, (name, city) => `${name} of ${city}`, { store: 'people', ...text })
   *     .toStream()
   *     .to('people')
   * })
   * driver.inputTopic('names', text).pipe('a', 'Ada', { timestamp: 5 })
   * driver.inputTopic('cities', text).pipe('a', 'London', { timestamp: 3 })
   * driver.keyValueStore('people').get('a') // → { value: 'Ada of London', timestamp: 5 }
   * driver.inputTopic('names', text).pipe('a', null, { timestamp: 6 })
   * driver.outputTopic('people', text).readAll().map(({ value }) => value) // → ['Ada of London', null]
   * ```
   */
  join<KT, VT, V2>(
    table: KTable<KT, VT> & SameTableKey<K, KT>,
    joiner: (value: V, other: VT, key: K) => V2 | null,
    options?: Materialized<K, V2>,
  ): KTable<K, V2>

  /**
   * Joins each row of this table with the row of another one at which it points: the foreign key is computed from the row and
   * its key, null points nowhere. Many rows may point at one; a change of that one gives new rows for all of them. The tables
   * need not have the same number of partitions: rows travel through two internal topics, to the other table and back. Where
   * a row moves while an answer to its former value is under way, that answer is dropped. With any option but a name and
   * partitioners the result is stored. The keys of the rows that point at something are in memory, beside the other table.
   *
   * Throws INVALID_TOPOLOGY for a table of another builder, and where nothing says how the values of this table become bytes.
   * `KTABLE-FK-JOIN`, KIP-213.
   *
   * @example
   * ```ts
   * import { json, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const orders = { key: string(), value: json<{ product: string; count: number }>() }
   * const driver = new TestDriver(builder => {
   *   const products = builder.table('products', text)
   *   builder
   *     .table('orders', orders)
   *     .join(products, order => order.product, (order, product) => `${order.count} x ${product}`)
   *     .toStream()
   *     .to('lines', text)
   * })
   * driver.inputTopic('products', text).pipe('p1', 'tea')
   * driver.inputTopic('orders', orders).pipe('a', { product: 'p1', count: 2 })
   * driver.inputTopic('orders', orders).pipe('b', { product: 'p1', count: 5 })
   * driver.inputTopic('products', text).pipe('p1', 'green tea')
   * driver.outputTopic('lines', text).readAll().map(({ key, value }) => `${key}: ${value}`) // → [
   * //   'a: 2 x tea', 'b: 5 x tea', 'a: 2 x green tea', 'b: 5 x green tea'
   * // ]
   * ```
   */
  join<KT, VT, V2>(
    table: KTable<KT, VT>,
    foreignKey: (value: V, key: K) => KT | null,
    joiner: (value: V, other: VT, key: K) => V2 | null,
    options?: TableJoined<K, KT, V2>,
  ): KTable<K, V2>

  /**
   * As `join`, but each row of this table has a result: where the other one has none the joiner gets null.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const names = builder.table('names', text)
   *   const cities = builder.table('cities', text)
   *   const people = names.leftJoin(cities, (name, city) => `${name} of ${city}`)
   *   people.toStream().to('people', text)
   * })
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('cities', text).pipe('a', 'London')
   * driver.outputTopic('people', text).readAll() // → [
   * //   { key: 'a', value: 'Ada of null', … },
   * //   { key: 'a', value: 'Ada of London', … }
   * // ]
   * ```
   */
  leftJoin<KT, VT, V2>(
    table: KTable<KT, VT> & SameTableKey<K, KT>,
    joiner: (value: V, other: VT | null, key: K) => V2 | null,
    options?: Materialized<K, V2>,
  ): KTable<K, V2>

  /**
   * As `join` by a foreign key, but each row of this table has a result: where it points nowhere, or the other table has no
   * row, the joiner gets null.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const staff = builder.table('staff', text)
   *   staff
   *     .leftJoin(staff, manager => (manager === 'nobody' ? null : manager), (a, b) => `${a} under ${b}`)
   *     .toStream()
   *     .to('lines', text)
   * })
   * driver.inputTopic('staff', text).pipe('Ada', 'nobody')
   * driver.inputTopic('staff', text).pipe('Bob', 'Ada')
   * driver.outputTopic('lines', text).readAll().map(({ key, value }) => `${key}: ${value}`) // → [
   * //   'Ada: nobody under null', 'Bob: Ada under nobody'
   * // ]
   * ```
   */
  leftJoin<KT, VT, V2>(
    table: KTable<KT, VT>,
    foreignKey: (value: V, key: K) => KT | null,
    joiner: (value: V, other: VT | null, key: K) => V2 | null,
    options?: TableJoined<K, KT, V2>,
  ): KTable<K, V2>

  /**
   * As `join`, but each row of either table has a result: where the other one has none the joiner gets null.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const names = builder.table('names', text)
   *   const cities = builder.table('cities', text)
   *   const people = names.outerJoin(cities, (name, city) => `${name} of ${city}`)
   *   people.toStream().to('people', text)
   * })
   * driver.inputTopic('cities', text).pipe('a', 'London')
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('cities', text).pipe('a', null)
   * driver.outputTopic('people', text).readAll().map(({ value }) => value) // → [
   * //   'null of London', 'Ada of London', 'Ada of null'
   * // ]
   * ```
   */
  outerJoin<KT, VT, V2>(
    table: KTable<KT, VT> & SameTableKey<K, KT>,
    joiner: (value: V | null, other: VT | null, key: K) => V2 | null,
    options?: Materialized<K, V2>,
  ): KTable<K, V2>

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
   * Rows with new values that a transformer gives, which may have stores of its own: so a value can depend on those before it. It
   * is called for deletions too. Without a store of the result (`store`), a join that looks a row up calls a transformer of its
   * own. `KTABLE-TRANSFORMVALUES`.
   *
   * @example
   * ```ts
   * import { keyValueStore, long, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const changes = keyValueStore('changes', { key: string(), value: long() })
   * const driver = new TestDriver(builder => {
   *   const names = builder.table('names', text)
   *   const numbered = names.transformValues<string>(
   *     context => {
   *       const store = context.store(changes)
   *       return {
   *         transform(key, name) {
   *           const count = (store.get(key) ?? 0) + 1
   *           store.put(key, count)
   *           return name === null ? null : `${name}, change ${count}`
   *         },
   *       }
   *     },
   *     { stores: [changes], store: 'numbered', value: string() },
   *   )
   *   numbered.toStream().to('numbered')
   * })
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('names', text).pipe('a', 'Ada Lovelace')
   * driver.outputTopic('numbered', text).readAll().map(({ value }) => value) // → [
   * //   'Ada, change 1', 'Ada Lovelace, change 2'
   * // ]
   * driver.keyValueStore('numbered').get('a') // → { value: 'Ada Lovelace, change 2', … }
   * ```
   */
  transformValues<V2>(
    supplier: ValueTransformerSupplier<K, V, V2>,
    options?: MaterializedTransform<K, V2>,
  ): KTable<K, V2>

  /**
   * Holds changes back, and hands on the last one of each row: when a time limit is over (`untilTimeLimit`), or when a window is
   * (`untilWindowCloses`), which then has one result, the final one. What is held back is in a store, and survives a restart.
   * They go out by time, of one time by key, with timestamp and headers of the last change. Throws INVALID_TOPOLOGY for a
   * versioned table, and when windows are to be waited for and there are none. `KTABLE-SUPPRESS`.
   *
   * @example
   * ```ts
   * import { long, string, untilTimeLimit } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const counts = { key: string(), value: long() }
   * const driver = new TestDriver(builder => {
   *   const counted = builder.stream('words', text).groupByKey().count()
   *   counted.suppress(untilTimeLimit({ seconds: 10 })).toStream().to('counts', counts)
   * })
   * const words = driver.inputTopic('words', text)
   * words.pipe('a', 'yes', { timestamp: 1_000 })
   * words.pipe('a', 'no', { timestamp: 5_000 })
   * words.pipe('b', 'yes', { timestamp: 11_000 })
   * driver.outputTopic('counts', counts).readAll() // → [{ key: 'a', value: 2, timestamp: 5_000, … }]
   * ```
   */
  suppress(
    suppressed: UntilTimeLimit | (UntilWindowCloses & WindowedKey<K>),
    options?: SuppressOptions<K, V>,
  ): KTable<K, V>

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
   *
   * With a mapper the records get the keys that it gives, as by `selectKey`; the name is that of `KTABLE-TOSTREAM`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const cityOf = builder.table('city-of', text)
   *   cityOf.toStream((person, city) => city ?? `nobody, without ${person}`).to('cities', text)
   * })
   * driver.inputTopic('city-of', text).pipe('Ada', 'Bern')
   * driver.inputTopic('city-of', text).pipe('Ada', null)
   * driver.outputTopic('cities', text).readAll().map(({ key }) => key) // → [
   * //   'Bern', 'nobody, without Ada'
   * // ]
   * ```
   */
  toStream<K2>(mapper: (key: K, value: V | null) => K2, options?: Named): KStream<K2, V>
  toStream(options?: Named): KStream<K, V>
}
