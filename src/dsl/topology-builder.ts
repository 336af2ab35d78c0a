import { MillraceError } from '../errors.ts'
import { assemble, newBlueprint } from '../topology/compile/assemble.ts'
import { checkName } from '../topology/compile/check-names.ts'
import { addStore, type Blueprint } from '../topology/compile/emission.ts'
import { userProcessor } from '../topology/operators/user-processor.ts'
import { partitionerFor } from '../topology/partitioner.ts'
import type { ProcessorSupplier } from '../topology/processor.ts'
import type { RecordContext } from '../topology/record.ts'
import { type ConnectedStore, type StoreBuilder, storeName } from '../topology/store-builder.ts'
import type { GlobalStore, SourceNode, Topology, TopologyNode } from '../topology/topology.ts'
import { resetOf } from './offset-reset.ts'
import { topicsOrPattern } from './topics-or-pattern.ts'
import type { BuildOptions, Consumed, Produced } from './options.ts'

/**
 * Builds a topology node by node: sources, processors, sinks and stores, each under the name that it is given. For what the
 * methods of streams and tables do not say; nothing is inferred, inserted or numbered. Each call checks what it can at once
 * and throws INVALID_TOPOLOGY. Kafka Streams' `Topology`.
 *
 * @example
 * ```ts
 * import { TopologyBuilder, describe, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const topology = new TopologyBuilder()
 *   .addSource('source', 'in', text)
 *   .addProcessor<string, string>(
 *     'twice',
 *     context => ({
 *       process: record => context.forward({ ...record, value: record.value + record.value }),
 *     }),
 *     'source',
 *   )
 *   .addSink('sink', 'out', 'twice', text)
 *   .build('doubling')
 * describe(topology) // →
 * // Topologies:
 * //    Sub-topology: 0
 * //     Source: source (topics: [in])
 * //       --> twice
 * //     Processor: twice (stores: [])
 * //       --> sink
 * //       <-- source
 * //     Sink: sink (topic: out)
 * //       <-- twice
 * const driver = new TestDriver(topology)
 * driver.inputTopic('in', text).pipe('a', 'yes')
 * driver.outputTopic('out', text).readAll().map(({ value }) => value) // → ['yesyes']
 * ```
 */
export class TopologyBuilder {
  readonly #nodes = new Map<string, TopologyNode>()
  readonly #stores = new Map<string, AddedStore>()
  readonly #globals: Omit<GlobalStore, 'id'>[] = []

  /**
   * Adds a node that reads one or several topics, or all whose whole names match a pattern.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder().addSource('source', ['north', 'south'], text)
   * topology.addSource('again', 'north', text) // throws INVALID_TOPOLOGY
   * ```
   */
  addSource<K, V>(
    name: string,
    topics: string | readonly string[] | RegExp,
    options: Omit<Consumed<K, V>, 'name'>,
  ): this {
    this.#add(sourceNode(name, topics, options))
    return this
  }

  /**
   * Adds a processor below one or several nodes, which are there already, and connects it to stores: definitions are added with
   * it. A node's children are called in the order in which they were added.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, keyValueStore, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const last = keyValueStore('last', text)
   * const topology = new TopologyBuilder().addSource('source', 'in', text)
   * topology.addProcessor<string, string>(
   *   'remember',
   *   context => {
   *     const store = context.store(last)
   *     return { process: ({ key, value }) => store.put(key, value) }
   *   },
   *   'source',
   *   { stores: [last] },
   * )
   * topology.build('app').subtopologies[0]?.stores.map(({ name }) => name) // → ['last']
   * topology.addProcessor('lost', () => ({ process() {} }), 'nobody') // throws INVALID_TOPOLOGY
   * ```
   */
  addProcessor<KIn = unknown, VIn = unknown, KOut = KIn, VOut = VIn>(
    name: string,
    supplier: ProcessorSupplier<KIn, VIn, KOut, VOut>,
    parents: string | readonly string[],
    { stores = [] }: { readonly stores?: readonly ConnectedStore[] } = {},
  ): this {
    this.#add({
      kind: 'processor',
      name,
      parents: this.#parents(name, parents),
      stores: [],
      supplier: userProcessor(supplier),
      isUserDefined: true,
    })
    for (const store of stores) if (typeof store !== 'string') this.addStateStore(store)
    if (stores.length > 0) this.connectProcessorAndStateStores(name, stores.map(storeName))
    return this
  }

  /**
   * Adds a node that writes what one or several nodes forward to a topic, or to the one that a function chooses.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addSource('source', 'in', text)
   *   .addSink('sink', 'out', 'source', text)
   * const driver = new TestDriver(topology.build('copy'))
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * driver.outputTopic('out', text).read() // → { key: 'a', value: 'yes', … }
   * topology.addSink('below', 'out', 'sink', text) // throws INVALID_TOPOLOGY
   * ```
   */
  addSink<K, V>(
    name: string,
    topic: string | ((key: K, value: V, context: RecordContext) => string),
    parents: string | readonly string[],
    options: Required<Pick<Produced<K, V>, 'key' | 'value'>> & Pick<Produced<K, V>, 'partitioner'>,
  ): this {
    const { key, value, partitioner } = options
    this.#add({
      kind: 'sink',
      name,
      parents: this.#parents(name, parents),
      topic,
      key,
      value,
      ...partitionerFor(key, partitioner),
    })
    return this
  }

  /**
   * Adds a store and connects it to processors that are there already.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, keyValueStore, long, string } from 'millrace'
   *
   * const topology = new TopologyBuilder()
   * topology.addStateStore(keyValueStore('rows', { key: string(), value: string() }))
   * const other = keyValueStore('rows', { key: string(), value: long() })
   * topology.addStateStore(other) // throws INVALID_TOPOLOGY
   * ```
   */
  addStateStore(store: StoreBuilder, processors: string | readonly string[] = []): this {
    this.#addStore(store, store)
    for (const processor of listOf(processors)) {
      this.connectProcessorAndStateStores(processor, store.name)
    }
    return this
  }

  /**
   * Connects a processor to stores; both are there already. Processors with a store in common are in one sub-topology, so that
   * one task has it.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, keyValueStore, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addStateStore(keyValueStore('rows', text))
   *   .addSource('one', 'north', text)
   *   .addSource('two', 'south', text)
   *   .addProcessor('first', () => ({ process() {} }), 'one')
   *   .addProcessor('second', () => ({ process() {} }), 'two')
   *   .connectProcessorAndStateStores('first', 'rows')
   *   .connectProcessorAndStateStores('second', 'rows')
   * topology.build('app').subtopologies.length // → 1
   * topology.connectProcessorAndStateStores('one', 'rows') // throws INVALID_TOPOLOGY
   * ```
   */
  connectProcessorAndStateStores(processor: string, stores: string | readonly string[]): this {
    const node = this.#nodes.get(processor)
    if (node?.kind !== 'processor') {
      throw invalid(
        node === undefined
          ? `There is no processor ${processor} to connect a store to. Add it before.`
          : `The ${node.kind} ${processor} cannot have stores. Connect them to a processor.`,
      )
    }
    for (const store of listOf(stores)) this.#requireStore(store, processor)
    const connected = [...new Set([...node.stores, ...listOf(stores)])]
    this.#nodes.set(processor, Object.freeze({ ...node, stores: connected }))
    return this
  }

  /**
   * Adds a store of which every instance has all rows, the source that reads its topic and the processor that puts them in. As
   * `StreamsBuilder.addGlobalStore`.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, keyValueStore, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const rates = keyValueStore('rates', text)
   * const topology = new TopologyBuilder().addGlobalStore<string, string>(rates, {
   *   source: 'rates-source',
   *   topic: 'rates',
   *   ...text,
   *   processor: 'rates-writer',
   *   supplier: context => {
   *     const store = context.store(rates)
   *     return { process: ({ key, value }) => store.put(key, value) }
   *   },
   * })
   * topology.build('app').globalStores.map(({ store }) => store.name) // → ['rates']
   * ```
   */
  addGlobalStore<K, V>(store: StoreBuilder, filled: FilledFrom<K, V>): this {
    const { source, topic, processor: name, supplier } = filled
    const sourceOfStore = sourceNode(source, topic, filled)
    const processor = {
      kind: 'processor',
      name,
      parents: [source],
      stores: [store.name],
      supplier: userProcessor(supplier),
      isUserDefined: true,
    } as const
    this.#add(sourceOfStore)
    this.#add(processor)
    this.#requireNewStore(store)
    this.#globals.push({
      source: sourceOfStore,
      processor,
      store: { ...store.definition, changelogTopic: null },
    })
    return this
  }

  /**
   * Adds a key-value store that is filled from a topic and restored from there, without a changelog of its own, with the source
   * and the processor that puts the records in, each under its key. Each task has the rows of its partition. Only that processor
   * writes it; others are connected to it by `connectProcessorAndStateStores`. KIP-813.
   *
   * @example
   * ```ts
   * import { TopologyBuilder, keyValueStore, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const names = keyValueStore('names', text)
   * const topology = new TopologyBuilder().addReadOnlyStateStore<string, string>(names, {
   *   source: 'names-source',
   *   topic: 'names',
   *   ...text,
   *   processor: 'names-writer',
   *   supplier: context => {
   *     const store = context.store(names)
   *     return { process: ({ key, value }) => store.put(key, value) }
   *   },
   * })
   * topology.build('app').internalTopics // → []
   * ```
   */
  addReadOnlyStateStore<K, V>(store: StoreBuilder, filled: FilledFrom<K, V>): this {
    const { source, topic, processor, supplier } = filled
    const { definition } = store
    if (definition.kind !== 'keyValue' && definition.kind !== 'timestampedKeyValue') {
      throw invalid(
        `The store ${store.name} cannot be restored from the topic ${topic}: only the rows of key-value stores are records. ` +
          'Add a store with a changelog.',
      )
    }
    this.addSource(source, topic, filled)
    this.addProcessor(processor, supplier, source)
    this.#addStore(store, { ...store, definition: { ...definition, sourceTopic: topic } })
    return this.connectProcessorAndStateStores(processor, store.name)
  }

  /**
   * The topology, ready to run. The application's id is the prefix of its changelog topics. Throws INVALID_TOPOLOGY.
   *
   * @example
   * ```ts
   * import { type App, TopologyBuilder, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const builder = new TopologyBuilder()
   *   .addSource('source', 'in', text)
   *   .addSink('sink', 'out', 'source', text)
   * const topology = builder.build('copy')
   * const app: App = { name: 'copy', taskConfig: {}, streamsConfig: {}, compile: () => topology }
   * new TestDriver(app).producedTopics // → []
   * ```
   */
  build(
    applicationId: string,
    { processorWrapper }: Pick<BuildOptions, 'processorWrapper'> = {},
  ): Topology {
    checkName(applicationId)
    const blueprint: Blueprint = newBlueprint()
    blueprint.nodes.push(...this.#nodes.values())
    for (const { store } of this.#stores.values()) addStore(blueprint, applicationId, store)
    for (const global of this.#globals) blueprint.globalStores.set(global.source.name, global)
    return assemble(applicationId, blueprint, processorWrapper)
  }

  #add(node: TopologyNode): void {
    if (this.#nodes.has(node.name)) {
      throw invalid(`Two nodes are called ${node.name}. Give one of them another name.`)
    }
    if (node.kind === 'source') this.#requireNewTopics(node)
    this.#nodes.set(node.name, Object.freeze(node))
  }

  #requireNewTopics({ name, topics }: SourceNode): void {
    for (const other of this.#nodes.values()) {
      const topic = other.kind === 'source' && other.topics.find(each => topics.includes(each))
      if (typeof topic !== 'string') continue
      throw invalid(
        `The topic ${topic} of ${name} is read by ${other.name} already. Put the processors below that source.`,
      )
    }
  }

  #parents(name: string, parents: string | readonly string[]): readonly string[] {
    const names = listOf(parents)
    if (names.length === 0)
      throw invalid(`${name} has no parents. Name the nodes that forward to it.`)
    for (const parent of names) {
      const node = this.#nodes.get(parent)
      if (node === undefined) {
        throw invalid(`There is no node ${parent} for ${name} to stand below. Add it before.`)
      }
      if (node.kind === 'sink') {
        throw invalid(`${name} cannot stand below the sink ${parent}: nothing comes out of it.`)
      }
    }
    return Object.freeze([...names])
  }

  #addStore(given: StoreBuilder, store: StoreBuilder): void {
    if (this.#stores.get(store.name)?.given === given) return
    this.#requireNewStore(store)
    this.#stores.set(store.name, { given, store })
  }

  #requireNewStore({ name }: StoreBuilder): void {
    if (!this.#stores.has(name) && !this.#globals.some(({ store }) => store.name === name)) return
    throw invalid(`Two stores are called ${name}. Give one of them another name.`)
  }

  #requireStore(name: string, processor: string): void {
    if (this.#stores.has(name)) return
    throw invalid(
      this.#globals.some(({ store }) => store.name === name)
        ? `${processor} names the global store ${name}. Every processor can read it: leave the name out.`
        : `There is no store ${name} to connect ${processor} to. Add it before.`,
    )
  }
}

/**
 * What fills a store: a topic, and the names of the nodes that read it.
 */
export interface FilledFrom<K, V> extends Omit<Consumed<K, V>, 'name' | 'offsetReset'> {
  /** Name of the source. */
  readonly source: string
  readonly topic: string
  /** Name of the processor that puts the records into the store. */
  readonly processor: string
  readonly supplier: ProcessorSupplier<K, V, never, never>
}

interface AddedStore {
  /** The definition that the application holds: the same one again is the same store. */
  readonly given: StoreBuilder
  readonly store: StoreBuilder
}

function sourceNode<K, V>(
  name: string,
  topics: string | readonly string[] | RegExp,
  options: Omit<Consumed<K, V>, 'name'>,
): SourceNode {
  const { key, value, timestamp } = options
  const offsetReset = resetOf(options)
  return {
    kind: 'source',
    name,
    ...topicsOrPattern(topics),
    key,
    value,
    ...(timestamp && { timestamp }),
    ...(offsetReset && { offsetReset }),
  }
}

const listOf = (names: string | readonly string[]): readonly string[] =>
  typeof names === 'string' ? [names] : names

const invalid = (sentence: string): MillraceError => new MillraceError('INVALID_TOPOLOGY', sentence)
