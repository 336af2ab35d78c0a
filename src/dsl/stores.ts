import type { Serde } from '../serde/serde.ts'
import type { WithoutChangelog } from '../state/store-definition.ts'
import type {
  KeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../state/stores.ts'
import type { StoreBuilder } from '../topology/store-builder.ts'
import { type DurationLike, toMillis } from '../windowing/duration.ts'
import type { Logged } from './options.ts'

/**
 * What every store that an application defines needs. Its serdes are also those of its changelog topic.
 */
export interface StoreOptions<K, V> extends Logged {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/**
 * How a key-value store is kept.
 */
export interface KeyValueStoreOptions<K, V> extends StoreOptions<K, V> {
  /**
   * Whether `rows` and `size` can be asked for; then all keys are in memory, some hundred bytes each.
   * @defaultValue true
   */
  readonly ordered?: boolean
}

/**
 * How a window store is kept.
 */
export interface WindowStoreOptions<K, V> extends StoreOptions<K, V> {
  /** How long a row can be read, counted from the start of its window: until stream time has moved on by that much. */
  readonly retention: DurationLike
  /** Size of the windows. */
  readonly windowSize: DurationLike
  /**
   * Whether `fetchRange` and `rows` can be asked for; then all keys are in memory, some hundred bytes each.
   * @defaultValue true
   */
  readonly ordered?: boolean
}

/**
 * Defines a key-value store, to be handed to `process`, `processValues`, `addStateStore` or `addGlobalStore`, and asked for
 * in a processor: `context.store(definition)`. Rows are on disk unless they are `inMemory`. Kafka Streams'
 * `Stores.keyValueStoreBuilder`.
 *
 * @example
 * ```ts
 * import { keyValueStore, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const latest = keyValueStore('latest', text)
 * const driver = new TestDriver(builder => {
 *   const states = builder.stream('words', text).processValues<string>(
 *     context => {
 *       const store = context.store(latest)
 *       return {
 *         process(record) {
 *           const { key, value } = record
 *           const before = store.putIfAbsent(key, value) ?? 'nothing'
 *           if (value === 'forget') store.delete(key)
 *           else store.put(key, value)
 *           const now = store.get(key) ?? 'nothing'
 *           const keys = [...store.rows()].map(row => row.key)
 *           context.forward(record.withValue(`from ${before} to ${now}, there is ${keys}`))
 *         },
 *       }
 *     },
 *     { stores: [latest] },
 *   )
 *   states.to('states', text)
 * })
 * driver.inputTopic('words', text).pipe('b', 'yes')
 * driver.inputTopic('words', text).pipe('a', 'no')
 * driver.inputTopic('words', text).pipe('b', 'forget')
 * driver.outputTopic('states', text).readAll().map(({ value }) => value) // → [
 * //   'from nothing to yes, there is b',
 * //   'from nothing to no, there is a,b',
 * //   'from yes to nothing, there is a'
 * // ]
 * ```
 */
export function keyValueStore<K, V>(
  name: string,
  options: KeyValueStoreOptions<K, V>,
): StoreBuilder<KeyValueStore<K, V>> {
  const { ordered = true } = options
  return builder({ kind: 'keyValue', ...common(name, options), ordered }, options)
}

/**
 * The same for a store whose rows carry the event time of their last update, as those of tables do. Kafka Streams'
 * `Stores.timestampedKeyValueStoreBuilder`.
 *
 * @example
 * ```ts
 * import { string, timestampedKeyValueStore } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const latest = timestampedKeyValueStore('latest', text)
 * const driver = new TestDriver(builder => {
 *   const processed = builder.stream('words', text).process(
 *     context => {
 *       const store = context.store(latest)
 *       return {
 *         process({ key, value, timestamp }) {
 *           const row = store.get(key)
 *           if (row === undefined || row.timestamp < timestamp) store.put(key, value, timestamp)
 *           for (const old of store.rows()) {
 *             if (old.timestamp < timestamp - 1000) store.put(old.key, null, timestamp)
 *           }
 *         },
 *       }
 *     },
 *     { stores: [latest] },
 *   )
 *   processed.foreach(() => {})
 * })
 * const words = driver.inputTopic('words', text)
 * words.pipe('a', 'new', { timestamp: 20 })
 * words.pipe('a', 'old', { timestamp: 10 })
 * driver.keyValueStore('latest').get('a') // → { value: 'new', timestamp: 20 }
 * words.pipe('b', 'much later', { timestamp: 2000 })
 * driver.keyValueStore('latest').get('a') // → undefined
 * ```
 */
export function timestampedKeyValueStore<K, V>(
  name: string,
  options: KeyValueStoreOptions<K, V>,
): StoreBuilder<TimestampedKeyValueStore<K, V>> {
  const { ordered = true } = options
  return builder({ kind: 'timestampedKeyValue', ...common(name, options), ordered }, options)
}

/**
 * Defines a key-value store in memory that keeps only `maxEntries` rows: of more, the one that was not used for longest goes.
 * A get is a use. Kafka Streams' `Stores.lruMap`.
 *
 * @example
 * ```ts
 * import { lruStore, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const recent = lruStore('recent', { ...text, maxEntries: 1 })
 * const driver = new TestDriver(builder => {
 *   const remembered = builder.stream('words', text).processValues(
 *     context => {
 *       const store = context.store(recent)
 *       return { process: ({ key, value }) => store.put(key, value) }
 *     },
 *     { stores: [recent] },
 *   )
 *   remembered.foreach(() => {})
 * })
 * driver.inputTopic('words', text).pipe('a', 'yes')
 * driver.inputTopic('words', text).pipe('b', 'no')
 * driver.keyValueStore('recent').get('a') // → undefined
 * driver.keyValueStore('recent').get('b')?.value // → 'no'
 * ```
 */
export function lruStore<K, V>(
  name: string,
  options: Omit<StoreOptions<K, V>, 'inMemory'> & { readonly maxEntries: number },
): StoreBuilder<KeyValueStore<K, V>> {
  const { maxEntries } = options
  const definition = { ...common(name, options), inMemory: true, maxEntries } as const
  return builder({ kind: 'keyValue', ...definition }, options)
}

/**
 * Defines a store of rows by key and window, which forgets what is older than its retention. With `retainDuplicates` it
 * keeps every value of a key and window. Kafka Streams' `Stores.windowStoreBuilder`.
 *
 * @example
 * ```ts
 * import { string, windowStore } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const span = { windowSize: 10, retention: 1000 }
 * const seen = windowStore('seen', { ...text, ...span })
 * const driver = new TestDriver(builder => {
 *   const looks = builder.stream('words', text).processValues<string>(
 *     context => {
 *       const store = context.store(seen)
 *       return {
 *         process(record) {
 *           const { key, value, timestamp } = record
 *           store.put(key, value, timestamp)
 *           const same = store.fetch(key, timestamp)
 *           const near = store.fetchRange(key, { from: timestamp - 10, to: timestamp + 10 })
 *           const all = store.rows({ from: 0, to: timestamp, reverse: true })
 *           const values = (rows: typeof all) => [...rows].map(row => row.value).join()
 *           context.forward(record.withValue(`${same}; ${values(near)}; ${values(all)}`))
 *         },
 *       }
 *     },
 *     { stores: [seen] },
 *   )
 *   looks.to('looks', text)
 * })
 * driver.inputTopic('words', text).pipe('a', 'one', { timestamp: 100 })
 * driver.inputTopic('words', text).pipe('a', 'two', { timestamp: 105 })
 * driver.inputTopic('words', text).pipe('a', 'three', { timestamp: 200 })
 * driver.outputTopic('looks', text).readAll().map(({ value }) => value) // → [
 * //   'one; one; one',
 * //   'two; one,two; two,one',
 * //   'three; three; three,two,one'
 * // ]
 * ```
 */
export function windowStore<K, V>(
  name: string,
  options: WindowStoreOptions<K, V> & { readonly retainDuplicates?: boolean },
): StoreBuilder<WindowStore<K, V>> {
  const { retainDuplicates = false } = options
  return builder({ kind: 'window', ...windowed(name, options), retainDuplicates }, options)
}

/**
 * The same for a store whose rows carry the event time of their last update, as those of windowed aggregations do. Kafka
 * Streams' `Stores.timestampedWindowStoreBuilder`.
 *
 * @example
 * ```ts
 * import { string, timestampedWindowStore } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const span = { windowSize: { seconds: 10 }, retention: { minutes: 1 } }
 * const last = timestampedWindowStore('last', { ...text, ...span })
 * const driver = new TestDriver(builder => {
 *   const before = builder.stream('words', text).processValues<string>(
 *     context => {
 *       const store = context.store(last)
 *       return {
 *         process(record) {
 *           const { key, value, timestamp } = record
 *           const lately = store.fetchRange(key, { from: timestamp - 30_000, to: timestamp })
 *           const all = [...store.rows()].length
 *           context.forward(record.withValue(`${[...lately].length} of ${all}`))
 *           store.put(key, value, timestamp - (timestamp % 10_000), timestamp)
 *         },
 *       }
 *     },
 *     { stores: [last] },
 *   )
 *   before.to('before', text)
 * })
 * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 21_000 })
 * driver.inputTopic('words', text).pipe('b', 'no', { timestamp: 31_000 })
 * driver.windowStore('last').fetch('a', 20_000) // → { value: 'yes', timestamp: 21_000 }
 * driver.outputTopic('before', text).readAll().map(({ value }) => value) // → ['0 of 0', '0 of 1']
 * ```
 */
export function timestampedWindowStore<K, V>(
  name: string,
  options: WindowStoreOptions<K, V>,
): StoreBuilder<TimestampedWindowStore<K, V>> {
  return builder({ kind: 'timestampedWindow', ...windowed(name, options) }, options)
}

/**
 * Defines a store of rows by key and session, which forgets what is older than its retention. Kafka Streams'
 * `Stores.sessionStoreBuilder`.
 *
 * @example
 * ```ts
 * import { sessionStore, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const visits = sessionStore('visits', { ...text, retention: { hours: 1 } })
 * const driver = new TestDriver(builder => {
 *   builder
 *     .stream('pages', text)
 *     .processValues<string>(
 *       context => {
 *         const store = context.store(visits)
 *         return {
 *           process(record) {
 *             const { key, value, timestamp } = record
 *             const pages: string[] = []
 *             for (const visit of store.findSessions(key)) pages.push(visit.value)
 *             if (store.fetchSession(key, timestamp, timestamp) !== undefined) return
 *             store.put(key, value, timestamp, timestamp, timestamp)
 *             const all = [...store.rows()].length
 *             context.forward(record.withValue(`${pages}, ${all} in all`))
 *           },
 *         }
 *       },
 *       { stores: [visits] },
 *     )
 *     .to('before', text)
 * })
 * driver.inputTopic('pages', text).pipe('a', 'home', { timestamp: 1000 })
 * driver.inputTopic('pages', text).pipe('a', 'help', { timestamp: 2000 })
 * driver.outputTopic('before', text).readAll().map(({ value }) => value) // → [
 * //   ', 1 in all', 'home, 2 in all'
 * // ]
 * ```
 */
export function sessionStore<K, V>(
  name: string,
  options: StoreOptions<K, V> & {
    /** How long a session can be read, counted from its end: until stream time has moved on by that much. */
    readonly retention: DurationLike
  },
): StoreBuilder<SessionStore<K, V>> {
  const retentionMs = toMillis(options.retention, `The retention of the store ${name}`)
  return builder({ kind: 'session', ...common(name, options), retentionMs }, options)
}

/**
 * Defines a store that keeps the versions of each key for a time: what was valid when can be asked for. Kafka Streams'
 * `Stores.versionedKeyValueStoreBuilder`, KIP-889.
 *
 * @example
 * ```ts
 * import { string, versionedKeyValueStore } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const prices = versionedKeyValueStore('prices', { ...text, historyRetention: { days: 1 } })
 * const driver = new TestDriver(builder => {
 *   const changes = builder.stream('prices', text).processValues<string>(
 *     context => {
 *       const store = context.store(prices)
 *       return {
 *         process(record) {
 *           const { key, value, timestamp } = record
 *           const before = store.get(key, timestamp)?.value ?? 'nothing'
 *           if (value === 'none') store.delete(key, timestamp)
 *           else store.put(key, value, timestamp)
 *           const known = [...store.versions(key)].map(version => version.value)
 *           context.forward(record.withValue(`${value} after ${before}: ${known}`))
 *         },
 *       }
 *     },
 *     { stores: [prices] },
 *   )
 *   changes.to('changes', text)
 * })
 * const topic = driver.inputTopic('prices', text)
 * topic.pipe('apple', '3', { timestamp: 300 })
 * topic.pipe('apple', '1', { timestamp: 100 })
 * topic.pipe('apple', 'none', { timestamp: 200 })
 * driver.outputTopic('changes', text).readAll().map(({ value }) => value) // → [
 * //   '3 after nothing: 3', '1 after nothing: 1,3', 'none after 1: 1,3'
 * // ]
 * driver.versionedStore('prices').get('apple', 250) // → undefined
 * ```
 */
export function versionedKeyValueStore<K, V>(
  name: string,
  options: StoreOptions<K, V> & {
    /** How long earlier versions can be read and written, until stream time has moved on by that much. */
    readonly historyRetention: DurationLike
  },
): StoreBuilder<VersionedKeyValueStore<K, V>> {
  const { historyRetention } = options
  const historyRetentionMs = toMillis(historyRetention, `The history retention of ${name}`)
  const definition = { kind: 'versionedKeyValue', historyRetentionMs } as const
  return builder({ ...definition, ...common(name, options) }, options)
}

function windowed<K, V>(name: string, options: WindowStoreOptions<K, V>) {
  const { retention, windowSize, ordered = true } = options
  return {
    ...common(name, options),
    retentionMs: toMillis(retention, `The retention of the store ${name}`),
    windowSizeMs: toMillis(windowSize, `The size of the windows of the store ${name}`),
    ordered,
  }
}

function common<K, V>(name: string, { key, value, inMemory = false }: StoreOptions<K, V>) {
  return { name, key, value, inMemory }
}

function builder<S>(definition: WithoutChangelog, { changelog = true }: Logged): StoreBuilder<S> {
  return Object.freeze({
    name: definition.name,
    definition: Object.freeze(definition),
    changelog,
  })
}
