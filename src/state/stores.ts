/**
 * The stores as an operator and a query see them: typed, and synchronous where a record waits for the answer. Rows carry
 * the event time of their last update beside the value, as Kafka Streams' `TimestampedKeyValueStore` and
 * `TimestampedWindowStore` do; those of plain stores are values alone. The read-only interfaces are what queries get: a row is
 * there at once, ranges come row by row, as of the first step, from any store.
 *
 * For operators ranges need a definition that is `ordered`. They show the keys that were there at the beginning of the iteration, each row
 * as it is when its turn comes; one that was deleted by then is left out.
 */
export interface ValueAndTimestamp<V> {
  readonly value: V
  /** Event time of the value in milliseconds since the Unix epoch. */
  readonly timestamp: number
}

/**
 * What a query sees of a table.
 *
 * @example
 * ```ts
 * import { type ReadOnlyKeyValueStore, string } from 'millrace'
 * import { TestApplication } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * await using application = await TestApplication.start(builder => {
 *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
 * })
 * for (const key of ['a', 'b', 'c']) application.inputTopic('words', text).pipe(key, 'yes')
 * await application.settle()
 * const counts = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
 * const keys: string[] = []
 * for await (const { key } of counts.range({ to: 'b', reverse: true })) keys.push(key)
 * keys // → ['b', 'a']
 * await counts.approximateNumEntries() // → 3
 * ```
 */
export interface ReadOnlyKeyValueStore<K, V> {
  readonly name: string
  /** The row of a key, or undefined. Throws TASK_CORRUPTED when what is on disk is not what was written. */
  get(key: K): ValueAndTimestamp<V> | undefined
  /** Rows between two keys, both included, or all that begin with the bytes of a prefix, in the order of their keys' bytes. */
  range(range: KeyRange<K>): AsyncIterable<KeyValueRow<K, V>>
  /** All rows in the order of their keys' bytes. */
  all(): AsyncIterable<KeyValueRow<K, V>>
  /** Number of rows, found by going through them all once. */
  approximateNumEntries(): Promise<number>
}

export interface TimestampedKeyValueStore<K, V> {
  readonly name: string
  /** The row of a key, or undefined. Throws TASK_CORRUPTED when what is on disk is not what was written. */
  get(key: K): ValueAndTimestamp<V> | undefined
  /** Sets the row of a key. A null value deletes it; `timestamp` is then that of the changelog's tombstone. */
  put(key: K, value: V | null, timestamp: number): void
  /** Rows in the order of their keys' bytes. */
  rows(range?: KeyRange<K>): Iterable<KeyValueRow<K, V>>
  /** Number of rows. */
  readonly size: number
}

export interface KeyValueStore<K, V> {
  readonly name: string
  /** The value of a key, or undefined. Throws TASK_CORRUPTED when what is on disk is not what was written. */
  get(key: K): V | undefined
  /** Sets the value of a key. A null deletes it. */
  put(key: K, value: V | null): void
  /** Sets the value of a key that has none. Returns the one it had. */
  putIfAbsent(key: K, value: V): V | undefined
  /** Returns the value that the key had. */
  delete(key: K): V | undefined
  /** Rows in the order of their keys' bytes. */
  rows(range?: KeyRange<K>): Iterable<KeyValue<K, V>>
  /** Number of rows. */
  readonly size: number
}

/**
 * What a query sees of a table with a history.
 *
 * @example
 * ```ts
 * import { type ReadOnlyVersionedKeyValueStore, string } from 'millrace'
 * import { TestApplication } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * await using application = await TestApplication.start(builder => {
 *   builder.table('prices', { ...text, store: 'prices', historyRetention: { hours: 1 } })
 * })
 * application.inputTopic('prices', text).pipe('tea', 'low', { timestamp: 1000 })
 * application.inputTopic('prices', text).pipe('tea', 'high', { timestamp: 2000 })
 * await application.settle()
 * const prices = application.store<ReadOnlyVersionedKeyValueStore<string, string>>('prices')
 * prices.get('tea', 1500) // → { value: 'low', timestamp: 1000, validTo: 2000 }
 * const values: string[] = []
 * for await (const { value } of prices.versions('tea', { from: 1500 })) values.push(value)
 * values // → ['low', 'high']
 * for await (const { value } of prices.all()) values.push(value)
 * values // → ['low', 'high', 'high']
 * ```
 */
export interface ReadOnlyVersionedKeyValueStore<K, V> {
  readonly name: string
  /**
   * The latest version of a key, or the one that was valid at a time (ms since the Unix epoch); undefined when there was none.
   * As of a time before the history only the latest version is given, if it is that old.
   */
  get(key: K, asOf?: number): VersionedRecord<V> | undefined
  /** Versions of a key that were valid at some time of a span, earliest first. Kafka Streams' `MultiVersionedKeyQuery`. */
  versions(key: K, range?: VersionRange): AsyncIterable<VersionedRecord<V>>
  /** Latest versions in the order of their keys' bytes. */
  all(): AsyncIterable<KeyValueRow<K, V>>
}

/** A span of time in milliseconds since the Unix epoch, both included; without a bound from the first or to the last version. */
export interface VersionRange {
  readonly from?: number
  readonly to?: number
  /** Latest version first. */
  readonly reverse?: boolean
}

/** Keeps the versions of each key for a time. Kafka Streams' `VersionedKeyValueStore`, KIP-889. */
export interface VersionedKeyValueStore<K, V> {
  readonly name: string
  /** As of queries: see `ReadOnlyVersionedKeyValueStore`. */
  get(key: K, asOf?: number): VersionedRecord<V> | undefined
  /**
   * Puts a version that is valid from `timestamp` on; null is a deletion. Returns when the next version begins, Infinity when
   * there is none; null when `timestamp` is before the history: then nothing is stored and the task counts a dropped record.
   */
  put(key: K, value: V | null, timestamp: number): number | null
  /** The same with null. Returns the version that was valid at the time. */
  delete(key: K, timestamp: number): VersionedRecord<V> | undefined
  /** The versions of a key that can be read, earliest first. */
  versions(key: K): Iterable<VersionedRecord<V>>
}

export interface VersionedRecord<V> extends ValueAndTimestamp<V> {
  /** When the next version begins, in milliseconds since the Unix epoch; Infinity for the latest. */
  readonly validTo: number
}

/** Keys in the order of their bytes: between two, both included, or all that begin with the bytes of a prefix. */
export interface KeyRange<K> {
  readonly from?: K
  readonly to?: K
  readonly prefix?: Buffer
  /** Last key first. */
  readonly reverse?: boolean
}

export interface KeyValue<K, V> {
  readonly key: K
  readonly value: V
}

export interface KeyValueRow<K, V> extends ValueAndTimestamp<V> {
  readonly key: K
}

/**
 * What a query sees of a windowed table.
 *
 * @example
 * ```ts
 * import { type ReadOnlyWindowStore, string, tumbling } from 'millrace'
 * import { TestApplication } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * await using application = await TestApplication.start(builder => {
 *   const grouped = builder.stream('words', text).groupByKey()
 *   const perSecond = tumbling({ seconds: 1 }, { grace: { minutes: 1 } })
 *   grouped.windowedBy(perSecond).count({ store: 'counts' })
 * })
 * const words = application.inputTopic('words', text)
 * for (const timestamp of [500, 1500]) words.pipe('a', 'yes', { timestamp })
 * await application.settle()
 * const counts = application.store<ReadOnlyWindowStore<string, number>>('counts')
 * const starts: number[] = []
 * for await (const { windowStart } of counts.fetchRange('a', { from: 1 })) starts.push(windowStart)
 * starts // → [1000]
 * for await (const row of counts.fetchAll({ to: 999 })) starts.push(row.windowStart)
 * starts // → [1000, 0]
 * ```
 */
export interface ReadOnlyWindowStore<K, V> {
  readonly name: string
  /** The row of a key in the window that starts at `windowStart` (ms since the Unix epoch), or undefined. */
  fetch(key: K, windowStart: number): ValueAndTimestamp<V> | undefined
  /** Rows of a key by window start; of one start in the order of arrival, where several are kept. */
  fetchRange(key: K, range?: TimeRange): AsyncIterable<WindowRow<K, V>>
  /** Rows of windows that start in a span of time, of all keys or of a range, by segment of time, then key bytes, then start. */
  fetchAll(range: WindowRange<K>): AsyncIterable<WindowRow<K, V>>
  /** All rows that are not expired, by segment of time, then key bytes, then window start. */
  all(): AsyncIterable<WindowRow<K, V>>
}

/**
 * A row is readable while its window's start is greater than the largest start put so far minus the retention
 * (Kafka's `AbstractRocksDBSegmentedBytesStore`).
 */
export interface TimestampedWindowStore<K, V> {
  readonly name: string
  /** The row of a key in the window that starts at `windowStart` (ms since the Unix epoch), or undefined. */
  fetch(key: K, windowStart: number): ValueAndTimestamp<V> | undefined
  /** Largest window start put so far, the refused ones too; -1 before the first. */
  readonly observedTime: number
  /**
   * Sets the row of a key and window; a null value deletes it. Returns false when the window is so old that its segment
   * has expired: then nothing is stored and the task counts a dropped record.
   */
  put(key: K, value: V | null, windowStart: number, timestamp: number): boolean
  /** Rows of a key by window start; of one start in the order of arrival, where several are kept. */
  fetchRange(key: K, range: TimeRange): Iterable<WindowRow<K, V>>
  /** Rows by segment of time, then key bytes, then window start; by window start, then key bytes if they are in memory. */
  rows(range?: WindowRange<K>): Iterable<WindowRow<K, V>>
}

/** Milliseconds since the Unix epoch, both included. */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

export interface WindowStore<K, V> {
  readonly name: string
  /** The value of a key in the window that starts at `windowStart` (ms since the Unix epoch), or undefined. */
  fetch(key: K, windowStart: number): V | undefined
  /** As that of `TimestampedWindowStore`, at the time of the record that is processed. */
  put(key: K, value: V | null, windowStart: number): boolean
  /** Rows of a key by window start; of one start in the order of arrival, where several are kept. */
  fetchRange(key: K, range: TimeRange): Iterable<PlainWindowRow<K, V>>
  /** Rows by segment of time, then key bytes, then window start; by window start, then key bytes if they are in memory. */
  rows(range?: WindowRange<K>): Iterable<PlainWindowRow<K, V>>
}

/** Starts of windows in milliseconds since the Unix epoch, both included. */
export interface TimeRange {
  readonly from?: number
  readonly to?: number
  /** Latest start first. */
  readonly reverse?: boolean
}

export interface WindowRange<K> extends TimeRange {
  /** First and last key, both included, in the order of their bytes. */
  readonly fromKey?: K
  readonly toKey?: K
}

export interface PlainWindowRow<K, V> extends KeyValue<K, V> {
  /** Start of the window in milliseconds since the Unix epoch, inclusive. */
  readonly windowStart: number
}

export interface WindowRow<K, V> extends ValueAndTimestamp<V> {
  readonly key: K
  /** Start of the window in milliseconds since the Unix epoch, inclusive. */
  readonly windowStart: number
}

/**
 * What a query sees of the sessions of a table.
 *
 * @example
 * ```ts
 * import { type ReadOnlySessionStore, sessions, string } from 'millrace'
 * import { TestApplication } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * await using application = await TestApplication.start(builder => {
 *   const grouped = builder.stream('clicks', text).groupByKey()
 *   grouped.windowedBy(sessions({ minutes: 30 })).count({ store: 'visits' })
 * })
 * application.inputTopic('clicks', text).pipe('ann', '/', { timestamp: 5 })
 * await application.settle()
 * const visits = application.store<ReadOnlySessionStore<string, number>>('visits')
 * visits.fetchSession('ann', 5, 5) // → 1
 * const found: number[] = []
 * for await (const { value } of visits.findSessions('ann', { latestStart: 4 })) found.push(value)
 * found // → []
 * for await (const { value } of visits.all()) found.push(value)
 * found // → [1]
 * for await (const { value } of visits.fetchAll({ fromKey: 'bob' })) found.push(value)
 * found // → [1]
 * ```
 */
export interface ReadOnlySessionStore<K, V> {
  readonly name: string
  /** The value of a key's session with exactly these bounds (ms since the Unix epoch, both inclusive), or undefined. */
  fetchSession(key: K, start: number, end: number): V | undefined
  /** Sessions of a key by end, then start. */
  findSessions(key: K, range?: SessionRange): AsyncIterable<SessionRow<K, V>>
  /** Sessions of the keys of a range, by segment of time, then key bytes, then end and start. */
  fetchAll(range: SessionKeyRange<K>): AsyncIterable<SessionRow<K, V>>
  /** All sessions that are not expired, by segment of time, then key bytes, then end and start. */
  all(): AsyncIterable<SessionRow<K, V>>
}

/**
 * A session is readable while its end is greater than the largest end put so far minus the retention.
 */
export interface SessionStore<K, V> {
  readonly name: string
  /** The value of a key's session with exactly these bounds (ms since the Unix epoch, both inclusive), or undefined. */
  fetchSession(key: K, start: number, end: number): V | undefined
  /** Sessions of a key by end, then start. */
  findSessions(key: K, range?: SessionRange): Iterable<SessionRow<K, V>>
  /**
   * Sets the value of a session; null deletes it. Returns false when its segment has expired: then nothing is stored and the
   * task counts a dropped record.
   */
  put(key: K, value: V | null, start: number, end: number, timestamp: number): boolean
  /** Sessions of all keys, by segment of time, then key bytes, then end and start. */
  rows(range?: { reverse?: boolean }): Iterable<SessionRow<K, V>>
}

/** Sessions that end at `earliestEnd` or later and start at `latestStart` or earlier. */
export interface SessionRange {
  readonly earliestEnd?: number
  readonly latestStart?: number
  /** Latest end first. */
  readonly reverse?: boolean
}

/** Of sessions of many keys. */
export interface SessionKeyRange<K> extends SessionRange {
  /** First and last key, both included, in the order of their bytes. */
  readonly fromKey?: K
  readonly toKey?: K
}

export interface SessionRow<K, V> extends ValueAndTimestamp<V> {
  readonly key: K
  /** First and last millisecond of the session since the Unix epoch. */
  readonly start: number
  readonly end: number
}

/** A store as a query sees it. Of a name, the caller says which of them the kind of the store promises. */
export type QueryableStore =
  | ReadOnlyKeyValueStore<unknown, unknown>
  | ReadOnlyWindowStore<unknown, unknown>
  | ReadOnlySessionStore<unknown, unknown>
  | ReadOnlyVersionedKeyValueStore<unknown, unknown>
