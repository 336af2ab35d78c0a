import { type NodeOrder, orderForDescription } from './describe/order.ts'
import {
  type GlobalStore,
  type InternalTopic,
  type StoreDefinition,
  type Subtopology,
  type Topology,
  type TopologyNode,
  topicsOfSink,
} from './topology.ts'

/**
 * A topology as plain data, which can be written as JSON: what it reads, keeps and writes, without the functions that do
 * it. Kafka Streams' `TopologyDescription`, with the stores and internal topics besides.
 */
export interface TopologyDescription {
  readonly applicationId: string
  readonly subtopologies: readonly SubtopologyDescription[]
  readonly globalStores: readonly GlobalStoreDescription[]
  readonly internalTopics: readonly InternalTopic[]
}

/** A part of a topology that becomes tasks. */
export interface SubtopologyDescription {
  readonly id: number
  /** In the order of Java's description. */
  readonly nodes: readonly NodeDescription[]
  readonly stores: readonly StoreDescription[]
  /** Topics that must have equally many partitions, for each join. */
  readonly copartitioned: readonly (readonly string[])[]
}

/** A table of which every instance has all rows. */
export interface GlobalStoreDescription {
  readonly id: number
  readonly nodes: readonly NodeDescription[]
  readonly store: StoreDescription
}

/** A source, a processor or a sink. */
export type NodeDescription = SourceDescription | ProcessorDescription | SinkDescription

/** A node that reads topics. */
export interface SourceDescription {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly string[]
  /** The source text of the pattern of which it reads all topics, if it has one. */
  readonly pattern?: string
  /** Name of the serde of the keys. */
  readonly key: string
  /** Name of the serde of the values. */
  readonly value: string
  readonly successors: readonly string[]
}

/** A node that does something with records. */
export interface ProcessorDescription {
  readonly kind: 'processor'
  readonly name: string
  readonly stores: readonly string[]
  readonly predecessors: readonly string[]
  readonly successors: readonly string[]
}

/** A node that writes to a topic. */
export interface SinkDescription {
  readonly kind: 'sink'
  readonly name: string
  /** Null when it chooses one for each record. */
  readonly topic: string | null
  /** Name of the serde of the keys. */
  readonly key: string
  /** Name of the serde of the values. */
  readonly value: string
  readonly predecessors: readonly string[]
}

/** What a store is and where its rows come from after a loss. */
export interface StoreDescription {
  /** Such as `timestampedKeyValue` or `window`. */
  readonly kind: string
  readonly name: string
  /** Name of the serde of the keys. */
  readonly key: string
  /** Name of the serde of the values. */
  readonly value: string
  /** Topic from which it can be restored; null when there is none. */
  readonly changelogTopic: string | null
  readonly isInMemory: boolean
  /** How long rows stay, in milliseconds, where they expire. */
  readonly retentionMs?: number
  /** Size of the windows in milliseconds, where they all have one. */
  readonly windowSizeMs?: number
}

/**
 * The topology as an object: for tests, for tools, and for `diffTopologies`. `JSON.stringify` writes it.
 *
 * @example
 * ```ts
 * import { defineApp, describeTopology, string } from 'millrace'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('counts', builder => {
 *   builder.stream('words', text).groupByKey().count({ store: 'counts', name: 'count' })
 * })
 * const { subtopologies } = describeTopology(app.compile())
 * subtopologies[0]?.stores // → [
 * //   { kind: 'timestampedKeyValue', name: 'counts', key: 'string', value: 'long',
 * //     changelogTopic: 'counts-counts-changelog', isInMemory: false }
 * // ]
 * subtopologies[0]?.nodes[0] // → {
 * //   kind: 'source', name: 'KSTREAM-SOURCE-0000000000', topics: ['words'], key: 'string', value: 'string',
 * //   successors: ['count']
 * // }
 * ```
 */
export function describeTopology(topology: Topology): TopologyDescription {
  return {
    applicationId: topology.applicationId,
    subtopologies: topology.subtopologies.map(describeSubtopology),
    globalStores: topology.globalStores.map(describeGlobalStore),
    internalTopics: topology.internalTopics,
  }
}

function describeSubtopology({
  id,
  nodes,
  stores,
  copartitioned,
}: Subtopology): SubtopologyDescription {
  return { id, nodes: describeNodes(nodes), stores: stores.map(describeStore), copartitioned }
}

function describeGlobalStore({
  id,
  source,
  processor,
  store,
}: GlobalStore): GlobalStoreDescription {
  return { id, nodes: describeNodes([source, processor]), store: describeStore(store) }
}

function describeNodes(nodes: readonly TopologyNode[]): NodeDescription[] {
  const order = orderForDescription(nodes)
  return order.nodes.map(node => describeNode(node, order))
}

function describeNode(node: TopologyNode, order: NodeOrder): NodeDescription {
  const predecessors = namesOf(order.parentsOf(node))
  const successors = namesOf(order.childrenOf(node))
  const { name } = node
  if (node.kind === 'processor') {
    return { kind: node.kind, name, stores: node.stores, predecessors, successors }
  }
  const serdes = { key: node.key.name, value: node.value.name }
  if (node.kind === 'source') {
    const pattern = node.pattern && { pattern: node.pattern.source }
    return { kind: node.kind, name, topics: node.topics, ...pattern, ...serdes, successors }
  }
  return { kind: node.kind, name, topic: topicsOfSink(node)[0] ?? null, ...serdes, predecessors }
}

function describeStore(store: StoreDefinition): StoreDescription {
  const { kind, name, key, value, changelogTopic, sourceTopic, inMemory = false } = store
  return {
    kind,
    name,
    key: key.name,
    value: value.name,
    changelogTopic: changelogTopic ?? sourceTopic ?? null,
    isInMemory: inMemory,
    ...('retentionMs' in store && { retentionMs: store.retentionMs }),
    ...('windowSizeMs' in store && { windowSizeMs: store.windowSizeMs }),
  }
}

const namesOf = (nodes: readonly TopologyNode[]): string[] => nodes.map(({ name }) => name)
