/**
 * The stores as an operator and a query see them: typed, and synchronous where a record waits for the answer. Rows carry
 * the event time of their last update beside the value, as Kafka Streams' `TimestampedKeyValueStore` and
 * `TimestampedWindowStore` do. The read-only halves are what queries get.
 */
export interface ValueAndTimestamp<V> {
  readonly value: V
  /** Event time of the value in milliseconds since the Unix epoch. */
  readonly timestamp: number
}

export interface ReadOnlyKeyValueStore<K, V> {
  readonly name: string
  /** The row of a key, or undefined. Throws TASK_CORRUPTED when what is on disk is not what was written. */
  get(key: K): ValueAndTimestamp<V> | undefined
  /** All rows in the order of their keys' bytes, as of the beginning of the iteration. */
  all(): AsyncIterable<KeyValueRow<K, V>>
}

export interface TimestampedKeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  /** Sets the row of a key. A null value deletes it; `timestamp` is then that of the changelog's tombstone. */
  put(key: K, value: V | null, timestamp: number): void
}

export interface KeyValueRow<K, V> extends ValueAndTimestamp<V> {
  readonly key: K
}

export interface ReadOnlyWindowStore<K, V> {
  readonly name: string
  /** The row of a key in the window that starts at `windowStart` (ms since the Unix epoch), or undefined. */
  fetch(key: K, windowStart: number): ValueAndTimestamp<V> | undefined
  /**
   * All rows that are not expired, by segment of time, then key bytes, then window start; as of the beginning of the
   * iteration.
   */
  all(): AsyncIterable<WindowRow<K, V>>
}

/**
 * A row is readable while its window's start is greater than the largest start put so far minus the retention
 * (Kafka's `AbstractRocksDBSegmentedBytesStore`).
 */
export interface TimestampedWindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  /**
   * Sets the row of a key and window; a null value deletes it. Returns false when the window is so old that its segment
   * has expired: then nothing is stored and the task counts a dropped record.
   */
  put(key: K, value: V | null, windowStart: number, timestamp: number): boolean
}

export interface WindowRow<K, V> extends ValueAndTimestamp<V> {
  readonly key: K
  /** Start of the window in milliseconds since the Unix epoch, inclusive. */
  readonly windowStart: number
}
