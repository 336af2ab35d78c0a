import type { Serde } from '../serde/serde.ts'
import type { Optimizations } from '../topology/optimization.ts'
import type { TimestampExtractor } from '../topology/timestamp-extractors.ts'
import type { ProcessorWrapper } from '../topology/processor.ts'
import type { ConnectedStore } from '../topology/store-builder.ts'
import type { DurationLike } from '../windowing/duration.ts'

/** How a topology is compiled. */
export interface BuildOptions {
  /**
   * What is made cheaper. To switch it on for an application that has run without moves repartition topics and stores: delete
   * its internal topics and state folder first. Kafka Streams' `topology.optimization`.
   *
   * @defaultValue 'none'
   */
  readonly optimization?: Optimizations
  /**
   * Where the operators of the DSL keep their rows, unless `inMemory` says it for one of them: on disk, or in memory alone. Versioned
   * tables and stores that an application defines are on disk unless they say. Kafka Streams' `default.dsl.store`.
   *
   * @defaultValue 'onDisk'
   */
  readonly defaultStore?: 'onDisk' | 'inMemory'
  /**
   * Whether stores, changelogs and repartition topics must have names that were given. Generated names have numbers, which
   * change when an operator is added before them: then the rows of a store are lost to the application. KIP-1111.
   *
   * @defaultValue false
   */
  readonly ensureExplicitInternalResourceNaming?: boolean
  /**
   * Put around each processor, those of the DSL too. Kafka Streams' `processor.wrapper.class`, KIP-1112.
   *
   * @defaultValue none
   */
  readonly processorWrapper?: ProcessorWrapper
}

/** An operator without a name is numbered. Kafka Streams' `Named`. */
export interface Named {
  /** Name of the node in descriptions and messages. */
  readonly name?: string
}

/** How a topic is read. Kafka Streams' `Consumed`. */
export interface Consumed<K, V> extends Named {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /**
   * Event time of a record in milliseconds since the Unix epoch; what the application's `timestampExtractor` says by
   * default, which is its own timestamp.
   */
  readonly timestamp?: TimestampExtractor<K, V>
  /**
   * Where to begin without a committed offset. A task that is overtaken by the retention of the topic while it runs goes on at
   * the first record that there is, unless it is `latest` or `none`. @defaultValue 'earliest'
   */
  readonly offsetReset?: OffsetReset
}

/**
 * Where an application begins to read a partition of which it has committed no offset, or one that is not in the log any more:
 * at the first record that there is, at the end, at the first record whose timestamp is at most `ago` before now, or not at
 * all: the application stops with OFFSET_OUT_OF_RANGE. Kafka Streams' `AutoOffsetReset`.
 */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { readonly ago: DurationLike }

/** How a topic is read as a table. The store is named if the table is to be queried. */
export interface ConsumedTable<K, V> extends Consumed<K, V>, Logged, Cached {
  readonly store?: string
  /** As that of `Materialized`. */
  readonly maxEntries?: number
  /** As that of `Materialized`. */
  readonly historyRetention?: DurationLike
}

/**
 * How a topic is read as a global table. The store is named if the table is to be queried.
 */
export interface ConsumedGlobalTable<K, V> extends Omit<Consumed<K, V>, 'offsetReset'> {
  readonly store?: string
}

/** How a topic is written; serdes are needed where none is known. Kafka Streams' `Produced`. */
export interface Produced<K, V> extends Named {
  readonly key?: Serde<K>
  readonly value?: Serde<V>
  /**
   * Partition of a record; by default, and where it is null, the hash of the key's bytes, as every Kafka client does. Of several
   * each gets a copy; with none the record is dropped.
   */
  readonly partitioner?: (key: K, value: V, partitions: number) => number | readonly number[] | null
}

/** How records are printed. Kafka Streams' `Printed`. */
export interface Printed<K, V> extends Named {
  /** Stands in brackets before each line. @defaultValue the name of the node before */
  readonly label?: string
  /** The line of a record. @defaultValue key and value, texts as they are and everything else as JSON */
  readonly mapper?: (key: K, value: V) => string
  /** Where each line goes, with the end of line. @defaultValue the standard output */
  readonly write?: (line: string) => void
}

/** What a processor is connected to. */
export interface Processed extends Named {
  /**
   * The stores that it uses: definitions, which are added to the topology, or the names of those that are there already, such
   * as that of a table. Global stores need not be named.
   */
  readonly stores?: readonly ConnectedStore[]
}

/** How records go to their partitions. Kafka Streams' `Repartitioned`. */
export interface Repartitioned<K, V> extends Produced<K, V> {
  /** Number of partitions of the topic; by default that of the topics upstream. */
  readonly partitions?: number
}

/** How records are grouped; serdes are needed if the key was changed. Kafka Streams' `Grouped`. */
export interface Grouped<K, V> {
  /** Name of the repartition topic, and of the node that selects the key. */
  readonly name?: string
  readonly key?: Serde<K>
  readonly value?: Serde<V>
}

/** How rows are grouped: they always go through a repartition topic. Kafka Streams' `Grouped`. */
export interface GroupedTable<K, V> {
  /** Name of the repartition topic, and of the node that selects the key. */
  readonly name?: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** How a stream is joined with a table: its serdes, needed if its key was changed, and its grace. Kafka Streams' `Joined`. */
export interface Joined<K, V> extends Named {
  readonly key?: Serde<K>
  readonly value?: Serde<V>
  /**
   * How long, in the stream's time, a record waits before it is joined, so that it meets the row of its time even when that comes
   * late. The table must be versioned, with a history of at least that. KIP-923.
   *
   * @defaultValue none: a record is joined at once
   */
  readonly grace?: DurationLike
}

/** How a stream is deduplicated: its serdes, and the store of what was let through. KIP-655's `Deduplicated`. */
export interface Deduplicated<K, V> extends Omit<
  Materialized<K, V>,
  'historyRetention' | 'maxEntries'
> {}

/** The same, with ids beside the keys. */
export interface DeduplicatedById<K, V, Id> extends Deduplicated<K, V> {
  readonly id: Serde<Id>
}

/** How tables are joined by a foreign key, and how the result is stored. Kafka Streams' `TableJoined`. */
export interface TableJoined<K, KT, V> extends Materialized<K, V> {
  /** Partition of a key of the left table, if the table's topic is not partitioned by the bytes of its keys. */
  readonly partitioner?: (key: K, value: null, partitions: number) => number
  /** Partition of a key of the other table, if that table's topic is not partitioned by the bytes of its keys. */
  readonly otherPartitioner?: (key: KT, value: null, partitions: number) => number
}

/** How two streams that are joined are named, written and stored. Kafka Streams' `StreamJoined`. */
export interface StreamJoined<K, V, VO> extends Named, Logged {
  /** Beginning of the names of the stores, so that their changelogs keep their names. */
  readonly store?: string
  /** Name of the store of the left stream, if it is to have one of its own. */
  readonly thisStore?: string
  /** Name of the store of the right stream, if it is to have one of its own. */
  readonly otherStore?: string
  /** Of both streams; by default that of the left one, or else of the right one. */
  readonly key?: Serde<K>
  /** Of the left stream. */
  readonly value?: Serde<V>
  /** Of the right stream. */
  readonly otherValue?: Serde<VO>
}

/** How a table is stored. Kafka Streams' `Materialized`. */
export interface Materialized<K, V> extends Named, Logged, Cached {
  /** Name of the store. Give one if the table is to be queried, and so that its topics keep their names. */
  readonly store?: string
  readonly key?: Serde<K>
  readonly value?: Serde<V>
  /**
   * Keeps only so many rows, in memory: of more, the one that was not used for longest goes, without a change that says so. A
   * look-up is a use. Kafka Streams' `Stores.lruMap`. @defaultValue none: all rows are kept
   */
  readonly maxEntries?: number
  /**
   * Makes the table a versioned one: for how long earlier versions of its rows are kept, so that a stream is joined with the
   * row of its record's time, and late updates do not overwrite later ones. Needs `store`. Kafka Streams'
   * `VersionedKeyValueStore`, KIP-889.
   */
  readonly historyRetention?: DurationLike
}

/**
 * How a windowed table is stored. Kafka Streams' `Materialized` with a retention.
 */
export interface MaterializedWindows<K, V> extends Omit<
  Materialized<K, V>,
  'historyRetention' | 'maxEntries'
> {
  /**
   * How long a window can be read, counted from its start, a session from its end. By default, and at least, as long as it is
   * needed: size and grace of the windows, twice the time difference and grace of sliding ones, gap and grace of sessions.
   */
  readonly retention?: DurationLike
}

/** What a transformer of a table is connected to, and how its results are stored. */
export interface MaterializedTransform<K, V> extends Materialized<K, V> {
  /** The stores that it uses, as those of `Processed`. */
  readonly stores?: readonly ConnectedStore[]
}

/** How what a table holds back is stored. */
export interface SuppressOptions<K, V> extends Named {
  /** Serdes of the table, needed where its operators gave none. */
  readonly key?: Serde<K>
  readonly value?: Serde<V>
  /** As that of `Materialized`. Without one, what was held back is lost when the task moves. @defaultValue true */
  readonly changelog?: Logged['changelog']
}

/** Whether a table forwards each update. */
export interface Cached {
  /**
   * Whether updates of the table wait in the record cache of the instance, so that of several updates of a row only the last
   * one goes on with the next commit; with false each goes on at once. See `cacheMaxBytes`. Versioned tables have no
   * cache. Kafka Streams' `withCachingDisabled`. @defaultValue true
   */
  readonly caching?: boolean
}

/** Where a store keeps its rows, and whether they can be restored. */
export interface Logged {
  /**
   * Whether the rows are kept in memory alone: faster, bounded by memory, and restored from the changelog at each start.
   * @defaultValue false, which is on disk, or what `defaultStore` of the application says
   */
  readonly inMemory?: boolean
  /**
   * Whether changes of the store go to a changelog topic, from which it can be restored; settings of that topic where they
   * are to differ, such as `{ 'segment.bytes': '104857600' }`. @defaultValue true
   */
  readonly changelog?: boolean | Readonly<Record<string, string>>
}
