import type { Handle, handle } from './handle.ts'
import type { GlobalKTable } from './global-ktable.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { Grouped, Joined, Materialized, Named, Produced, Repartitioned } from './options.ts'
import type { SameKey } from './same-key.ts'

/**
 * A stream of records: each one is a fact of its own. Every method adds a node to the topology and returns what comes
 * out of it; nothing runs yet.
 *
 * Functions are called as in Kafka Streams: with `(key, value)`, except where it has a form for the value alone
 * (`mapValues`, `flatMapValues`, joiners). There the value comes first and the key, which such a function cannot
 * change, last: `mapValues((value, key) => …)`.
 *
 * Keys and values may be null at run time, whatever their types say: a record of a Kafka topic may have neither.
 * Stateless operators hand them to your functions; aggregations and joins drop them, as each one says.
 */
export interface KStream<K, V> {
  readonly kind: 'KStream'
  readonly [handle]: Handle<K, V>

  /** The records for which the predicate is true. `KSTREAM-FILTER`. */
  filter<S extends V>(predicate: (key: K, value: V) => value is S, options?: Named): KStream<K, S>
  filter(predicate: (key: K, value: V) => boolean, options?: Named): KStream<K, V>

  /** The records for which the predicate is false. `KSTREAM-FILTER`. */
  filterNot(predicate: (key: K, value: V) => boolean, options?: Named): KStream<K, V>

  /** Records with a new key and value: the mapper returns `[key, value]`. `KSTREAM-MAP`. */
  map<K2, V2>(mapper: (key: K, value: V) => readonly [K2, V2], options?: Named): KStream<K2, V2>

  /** Records with a new value; the key stays, so no repartition topic is needed after it. `KSTREAM-MAPVALUES`. */
  mapValues<V2>(mapper: (value: V, key: K) => V2, options?: Named): KStream<K, V2>

  /** For each record any number of others: the mapper returns `[key, value]` pairs. `KSTREAM-FLATMAP`. */
  flatMap<K2, V2>(
    mapper: (key: K, value: V) => Iterable<readonly [K2, V2]>,
    options?: Named,
  ): KStream<K2, V2>

  /** For each record any number of others with the same key. `KSTREAM-FLATMAPVALUES`. */
  flatMapValues<V2>(mapper: (value: V, key: K) => Iterable<V2>, options?: Named): KStream<K, V2>

  /** Records with a new key. A grouping or join after it goes through a repartition topic. `KSTREAM-KEY-SELECT`. */
  selectKey<K2>(mapper: (key: K, value: V) => K2, options?: Named): KStream<K2, V>

  /** Shows each record to the action and passes it on. `KSTREAM-PEEK`. */
  peek(action: (key: K, value: V) => void, options?: Named): KStream<K, V>

  /** Ends the stream in an action. `KSTREAM-FOREACH`. */
  foreach(action: (key: K, value: V) => void, options?: Named): void

  /** The records of both streams, in no order between them. `KSTREAM-MERGE`. */
  merge(other: KStream<K, V>, options?: Named): KStream<K, V>

  /** Groups by a new key, to aggregate. Serdes are for the repartition topic that this needs. `KSTREAM-KEY-SELECT`. */
  groupBy<K2>(selector: (key: K, value: V) => K2, options?: Grouped<K2, V>): KGroupedStream<K2, V>

  /** Groups by the key that records have. Adds no node; repartitions only if the key was changed before. */
  groupByKey(options?: Grouped<K, V>): KGroupedStream<K, V>

  /**
   * Writes the stream to an internal topic and reads it again, so that records are in the partition of their key.
   * Records without a key vanish. `KSTREAM-FILTER`, `KSTREAM-SINK` and `KSTREAM-SOURCE`.
   */
  repartition(options?: Repartitioned<K, V>): KStream<K, V>

  /** Takes each record as the new row of its key, a null value as a deletion. `KSTREAM-TOTABLE`. */
  toTable(options?: Materialized<K, V>): KTable<K, V>

  /**
   * Adds the row of the record's key to each record; those without a row vanish. Changes of the table give no results.
   * The topics of both must have the same number of partitions. `KSTREAM-JOIN`.
   */
  join<KT, VT, V2>(
    table: KTable<KT, VT> & SameKey<K, KT>,
    joiner: (value: V, row: VT, key: K) => V2,
    options?: Joined<K, V>,
  ): KStream<K, V2>

  /**
   * Adds a row of a global table to each record, by a key that the selector computes; records without a row vanish.
   * `KSTREAM-LEFTJOIN`, the name that Kafka Streams gives both joins.
   */
  join<KT, VT, V2>(
    table: GlobalKTable<KT, VT>,
    keySelector: (key: K, value: V) => KT | null,
    joiner: (value: V, row: VT, key: K) => V2,
    options?: Named,
  ): KStream<K, V2>

  /** As `join`, but records without a row stay: the joiner gets null. `KSTREAM-LEFTJOIN`. */
  leftJoin<KT, VT, V2>(
    table: KTable<KT, VT> & SameKey<K, KT>,
    joiner: (value: V, row: VT | null, key: K) => V2,
    options?: Joined<K, V>,
  ): KStream<K, V2>
  leftJoin<KT, VT, V2>(
    table: GlobalKTable<KT, VT>,
    keySelector: (key: K, value: V) => KT | null,
    joiner: (value: V, row: VT | null, key: K) => V2,
    options?: Named,
  ): KStream<K, V2>

  /** Writes the stream to a topic. `KSTREAM-SINK`. */
  to(topic: string, options?: Produced<K, V>): void
}
