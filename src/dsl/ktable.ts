import type { Handle, handle } from './handle.ts'
import type { KStream } from './kstream.ts'
import type { Materialized, Named } from './options.ts'

/**
 * A table: the latest value of each key. What flows out of it are its changes. A table with a named store can be
 * queried; others keep rows only where a join looks them up.
 */
export interface KTable<K, V> {
  readonly kind: 'KTable'
  readonly [handle]: Handle<K, V>

  /** The rows for which the predicate is true. A row that stops to pass is deleted. `KTABLE-FILTER`. */
  filter<S extends V>(
    predicate: (key: K, value: V) => value is S,
    options?: Materialized<K, S>,
  ): KTable<K, S>
  filter(predicate: (key: K, value: V) => boolean, options?: Materialized<K, V>): KTable<K, V>

  /** The rows for which the predicate is false. `KTABLE-FILTER`. */
  filterNot(predicate: (key: K, value: V) => boolean, options?: Materialized<K, V>): KTable<K, V>

  /** Rows with new values; not called for deletions. `KTABLE-MAPVALUES`. */
  mapValues<V2>(mapper: (value: V, key: K) => V2, options?: Materialized<K, V2>): KTable<K, V2>

  /** The changes of the table as records: a new value for each update, null for each deletion. `KTABLE-TOSTREAM`. */
  toStream(options?: Named): KStream<K, V>
}
