import type { Windowed } from '../serde/windowed.ts'
import type { TimeWindows } from '../windowing/time-windows.ts'
import type { KTable } from './ktable.ts'
import type { Materialized, MaterializedWindows } from './options.ts'

/** Records grouped by key, to aggregate into a table. Records with a null key or value are dropped. */
export interface KGroupedStream<K, V> {
  /** How many records each key has had. `KSTREAM-AGGREGATE`. */
  count(options?: Materialized<K, number>): KTable<K, number>

  /** Combines the values of each key; the first one is taken as it is. `KSTREAM-REDUCE`. */
  reduce(reducer: (aggregate: V, value: V) => V, options?: Materialized<K, V>): KTable<K, V>

  /**
   * Folds the values of each key into an aggregate, which starts from the initializer's. Return a new aggregate, or null
   * to delete the row; do not change the one you get. It is stored as JSON unless `value` says otherwise.
   * `KSTREAM-AGGREGATE`.
   */
  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: Materialized<K, A>,
  ): KTable<K, A>

  /** Aggregates each window of event time on its own. */
  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V>
}

/**
 * Records grouped by key and window. Records with a null key are dropped, and those whose windows are closed; a null
 * value goes to the aggregator, as in Kafka Streams.
 */
export interface TimeWindowedKStream<K, V> {
  /** How many records each key has in each window. `KSTREAM-AGGREGATE`. */
  count(options?: MaterializedWindows<K, number>): KTable<Windowed<K>, number>

  /** Combines the values of each key and window. `KSTREAM-REDUCE`. */
  reduce(
    reducer: (aggregate: V, value: V) => V,
    options?: MaterializedWindows<K, V>,
  ): KTable<Windowed<K>, V>

  /** Folds the values of each key and window, as `KGroupedStream.aggregate`. `KSTREAM-AGGREGATE`. */
  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A>
}
