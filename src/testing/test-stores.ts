import type { KeyValueStore } from '../state/key-value-store.ts'
import type { SessionRows } from '../state/session-store.ts'
import type {
  KeyValueRow,
  SessionRow,
  ValueAndTimestamp,
  VersionedRecord,
  WindowRow,
} from '../state/stores.ts'
import type { VersionedStore } from '../state/versioned-store.ts'
import type { WindowStore } from '../state/window-store.ts'

/**
 * The stores of a test driver, read at once: they are in memory. Those of several tasks are shown as one. The types are what
 * the caller says they are.
 */
export function testKeyValueStore<K, V>(stores: readonly KeyValueStore[]): TestKeyValueStore<K, V> {
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    get: key => first(stores, store => store.get(key)) as ValueAndTimestamp<V> | undefined,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    rows: () => stores.flatMap(store => [...store.allSync()]) as KeyValueRow<K, V>[],
  }
}

export function testWindowStore<K, V>(stores: readonly WindowStore[]): TestWindowStore<K, V> {
  return {
    fetch: (key, windowStart) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      first(stores, store => store.fetch(key, windowStart)) as ValueAndTimestamp<V> | undefined,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    rows: () => stores.flatMap(store => [...store.allSync()]) as WindowRow<K, V>[],
  }
}

export function testSessionStore<K, V>(stores: readonly SessionRows[]): TestSessionStore<K, V> {
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    fetch: key => stores.flatMap(store => [...store.findSessions(key)]) as SessionRow<K, V>[],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    rows: () => stores.flatMap(store => [...store.allSync()]) as SessionRow<K, V>[],
  }
}

export function testVersionedStore<K, V>(
  stores: readonly VersionedStore[],
): TestVersionedStore<K, V> {
  return {
    get: (key, asOf) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      first(stores, store => store.get(key, asOf)) as VersionedRecord<V> | undefined,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    versions: key => stores.flatMap(store => [...store.versions(key)]) as VersionedRecord<V>[],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    rows: () => stores.flatMap(store => [...store.allSync()]) as KeyValueRow<K, V>[],
  }
}

/** A key is in one of them. */
function first<S, Found>(
  stores: readonly S[],
  read: (store: S) => Found | undefined,
): Found | undefined {
  for (const store of stores) {
    const found = read(store)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * What a key-value store holds, read at once.
 */
export interface TestKeyValueStore<K, V> {
  /**
   * The row of a key, with the event time of its last update; undefined when there is none.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 5 })
   * driver.keyValueStore('counts').get('a') // → { value: 1, timestamp: 5 }
   * ```
   */
  get(key: K): ValueAndTimestamp<V> | undefined
  /**
   * All rows in the order of their keys' bytes.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('b', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.keyValueStore('counts').rows().map(({ key }) => key) // → ['a', 'b']
   * ```
   */
  rows(): KeyValueRow<K, V>[]
}

/**
 * What a window store holds, read at once.
 */
export interface TestWindowStore<K, V> {
  /**
   * The row of a key in the window that starts at `windowStart`, in milliseconds since the Unix epoch.
   *
   * @example
   * ```ts
   * import { string, tumbling } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   builder.stream('words', text).groupByKey().windowedBy(perMinute).count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 61_000 })
   * driver.windowStore('counts').fetch('a', 60_000) // → { value: 1, timestamp: 61_000 }
   * ```
   */
  fetch(key: K, windowStart: number): ValueAndTimestamp<V> | undefined
  /**
   * All rows that are not expired, by segment of time, then key bytes, then window start.
   *
   * @example
   * ```ts
   * import { string, tumbling } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   builder.stream('words', text).groupByKey().windowedBy(perMinute).count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 61_000 })
   * driver.windowStore('counts').rows() // → [
   * //   { key: 'a', windowStart: 60_000, value: 1, timestamp: 61_000 }
   * // ]
   * ```
   */
  rows(): WindowRow<K, V>[]
}

/**
 * What a session store holds, read at once.
 */
export interface TestSessionStore<K, V> {
  /** The sessions of a key that are not expired, by end, then start. */
  fetch(key: K): SessionRow<K, V>[]
  /** All sessions that are not expired, by segment of time, then key bytes, then end and start. */
  rows(): SessionRow<K, V>[]
}

/**
 * What the store of a versioned table holds, read at once.
 */
export interface TestVersionedStore<K, V> {
  /**
   * The latest version of a key, or the one that was valid at a time (ms since the Unix epoch); undefined when there was
   * none, or when that time is before the history.
   */
  get(key: K, asOf?: number): VersionedRecord<V> | undefined
  /** The versions of a key that can be read, earliest first. */
  versions(key: K): VersionedRecord<V>[]
  /** The latest versions, in the order of their keys' bytes. */
  rows(): KeyValueRow<K, V>[]
}
