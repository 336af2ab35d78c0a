import type { ProcessorSupplier } from '../topology/processor.ts'
import type { StoreBuilder } from '../topology/store-builder.ts'
import { compile } from '../topology/compile/compile.ts'
import { GraphBuilder } from '../topology/graph.ts'
import type { Topology } from '../topology/topology.ts'
import type { GlobalKTable } from './global-ktable.ts'
import { handle } from './handle.ts'
import { KStreamImpl } from './kstream-impl.ts'
import type { KStream } from './kstream.ts'
import { KTableImpl } from './ktable-impl.ts'
import type { KTable } from './ktable.ts'
import type { BuildOptions, Consumed, ConsumedGlobalTable, ConsumedTable } from './options.ts'
import { resetOf } from './offset-reset.ts'
import { topicsOrPattern } from './topics-or-pattern.ts'
import type { Scope } from './scope.ts'

/**
 * Where a topology begins: topics read as streams and tables. Kafka Streams' `StreamsBuilder`.
 *
 * @example
 * ```ts
 * import { StreamsBuilder, describe, string } from 'millrace'
 *
 * const builder = new StreamsBuilder()
 * builder.stream('in', { key: string(), value: string() }).to('out')
 * describe(builder.build('copy')) // →
 * // Topologies:
 * //    Sub-topology: 0
 * //     Source: KSTREAM-SOURCE-0000000000 (topics: [in])
 * //       --> KSTREAM-SINK-0000000001
 * //     Sink: KSTREAM-SINK-0000000001 (topic: out)
 * //       <-- KSTREAM-SOURCE-0000000000
 * ```
 */
export class StreamsBuilder {
  readonly #graph = new GraphBuilder()
  readonly #scope: Scope = Object.freeze({
    graph: this.#graph,
    stream: <K, V>(node: number): KStream<K, V> => new KStreamImpl<K, V>(this.#scope, node),
    table: <K, V>(node: number): KTable<K, V> => new KTableImpl<K, V>(this.#scope, node),
  })

  /**
   * Reads one or several topics as a stream: `builder.stream('flights', { key: string(), value: json(Flight) })`; of a
   * pattern, all topics whose whole names match it, also those that come later (`metadataMaxAgeMs`). The
   * event time of a record, in milliseconds since the Unix epoch, is its own timestamp unless `timestamp` computes one.
   * `KSTREAM-SOURCE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream(['north', 'south'], { ...text, timestamp: word => word.length }).to('all')
   * })
   * driver.inputTopic('south', text).pipe('a', 'hot')
   * driver.outputTopic('all', text).read() // → { key: 'a', value: 'hot', timestamp: 3, … }
   * ```
   */
  stream<K, V>(
    topics: string | readonly string[] | RegExp,
    options: Consumed<K, V>,
  ): KStream<K, V> {
    const { name, key, value, timestamp } = options
    const node = this.#graph.add({
      kind: 'streamSource',
      parents: [],
      name,
      ...topicsOrPattern(topics),
      key,
      value,
      timestamp,
      offsetReset: resetOf(options),
    })
    return this.#scope.stream(node)
  }

  /**
   * Reads a topic as a table: each record is the new row of its key, a null value deletes it. Records without a key are
   * dropped. `KSTREAM-SOURCE` and `KTABLE-SOURCE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.table('names', { ...text, store: 'names' })
   * })
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('names', text).pipe('b', 'Bob')
   * driver.inputTopic('names', text).pipe('b', null)
   * driver.keyValueStore('names').rows() // → [{ key: 'a', value: 'Ada', timestamp: 0 }]
   * ```
   */
  table<K, V>(topic: string, options: ConsumedTable<K, V>): KTable<K, V> {
    const offsetReset = resetOf(options)
    const source = { kind: 'tableSource', parents: [], topic, offsetReset } as const
    const node = this.#graph.add({ ...options, ...source })
    return this.#scope.table(node)
  }

  /**
   * Reads a topic as a table of which every instance has all rows, to join a stream with it by any key. It is read to
   * its end before anything else starts. `KSTREAM-SOURCE` and `KTABLE-SOURCE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const names = builder.globalTable('names', text)
   *   const ids = builder.stream('ids', text)
   *   ids.join(names, (_, id) => id, (_, name) => name).to('names-of', text)
   * })
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('ids', text).pipe('first', 'a')
   * driver.outputTopic('names-of', text).readAll() // → [{ key: 'first', value: 'Ada', … }]
   * ```
   */
  globalTable<K, V>(topic: string, options: ConsumedGlobalTable<K, V>): GlobalKTable<K, V> {
    const node = this.#graph.add({ ...options, kind: 'globalTable', parents: [], topic })
    const { store: queryableStoreName } = options
    const own = { graph: this.#graph, node }
    return Object.freeze({ kind: 'GlobalKTable', queryableStoreName, [handle]: own })
  }

  /**
   * Reads a topic into a store of which every instance has all rows: a processor puts in what it likes of each record. Every
   * other processor can read the store, without being connected to it, and so can queries. The topic is read to its end
   * before anything else starts, and from the beginning when the store is in memory; the store needs no changelog. Unlike in
   * Kafka Streams, the processor sees every record after a restart too. `KSTREAM-SOURCE` and `KTABLE-SOURCE`.
   *
   * @example
   * ```ts
   * import { keyValueStore, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const rates = keyValueStore('rates', text)
   * const driver = new TestDriver(builder => {
   *   builder.addGlobalStore(rates, 'rates', text, context => {
   *     const store = context.store(rates)
   *     return { process: ({ key, value }) => store.put(key, value.trim()) }
   *   })
   *   const priced = builder.stream('orders', text).processValues<string>(context => {
   *     const store = context.store(rates)
   *     return {
   *       process(record) {
   *         context.forward(record.withValue(`${record.value} at ${store.get(record.key)}`))
   *       },
   *     }
   *   })
   *   priced.to('priced', text)
   * })
   * driver.inputTopic('rates', text).pipe('EUR', ' 1.17 ')
   * driver.inputTopic('orders', text).pipe('EUR', 'tea')
   * driver.outputTopic('priced', text).readAll().map(({ value }) => value) // → ['tea at 1.17']
   * ```
   */
  addGlobalStore<K, V>(
    store: StoreBuilder,
    topic: string,
    options: Omit<Consumed<K, V>, 'offsetReset'>,
    supplier: ProcessorSupplier<K, V, never, never>,
  ): void {
    const { name, key, value, timestamp } = options
    const node = { name, topic, key, value, timestamp, store, supplier }
    this.#graph.add({ ...node, kind: 'globalStore', parents: [] })
  }

  /**
   * Adds a store, for processors that name it. Those that are given the definition itself add it by that.
   *
   * @example
   * ```ts
   * import { keyValueStore, string } from 'millrace'
   * import type { KeyValueStore } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.addStateStore(keyValueStore('before', text))
   *   const words = builder.stream('words', text).processValues<string>(
   *     context => {
   *       const before = context.store<KeyValueStore<string, string>>('before')
   *       return {
   *         process(record) {
   *           context.forward(record.withValue(`${before.get(record.key)}, ${record.value}`))
   *           before.put(record.key, record.value)
   *         },
   *       }
   *     },
   *     { stores: ['before'] },
   *   )
   *   words.to('pairs', text)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * const pairs = driver.outputTopic('pairs', text).readAll()
   * pairs.map(({ value }) => value) // → ['undefined, yes', 'yes, no']
   * ```
   */
  addStateStore(store: StoreBuilder): void {
    this.#graph.add({ kind: 'stateStore', parents: [], store })
  }

  /**
   * Compiles what was built so far. The application's id is the prefix of its internal topics.
   *
   * Throws INVALID_TOPOLOGY with a sentence that names the node, and INVALID_CONFIG for an option that there is not.
   *
   * @example
   * ```ts
   * import { StreamsBuilder, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const builder = new StreamsBuilder()
   * builder.stream('words', text).groupBy((_, word) => word, text).count({ store: 'counts' })
   * builder.build('app').internalTopics.map(({ name }) => name) // → [
   * //   'app-counts-repartition',
   * //   'app-counts-changelog'
   * // ]
   * ```
   */
  build(applicationId: string, options: BuildOptions = {}): Topology {
    return compile(applicationId, this.#graph, options)
  }
}
