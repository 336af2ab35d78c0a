import type { Serde } from '../serde/serde.ts'
import type { StoreDefinition } from '../state/store-definition.ts'
import type { ProcessorSupplier } from './processor.ts'
import type { RecordContext } from './record.ts'
import type { TimestampExtractor } from './timestamp-extractors.ts'
import type { UserFunction } from './user-function.ts'

export type { StoreDefinition }

/**
 * A compiled topology: what the compiler emits and what `describe()`, the runtime and the test driver read. Plain
 * frozen data plus the suppliers of processors. Names of topics are final: internal ones carry the application id.
 */
export interface Topology {
  readonly applicationId: string
  /** In the order of their numbers; index and `id` agree except for global ones, which have numbers but no tasks. */
  readonly subtopologies: readonly Subtopology[]
  readonly globalStores: readonly GlobalStore[]
  /** Topics that Millrace creates before it starts. */
  readonly internalTopics: readonly InternalTopic[]
}

/** A connected part of the graph: one task per partition of its source topics. */
export interface Subtopology {
  readonly id: number
  /** Parents before children. Children of a node are called in the order in which they stand here. */
  readonly nodes: readonly TopologyNode[]
  readonly stores: readonly StoreDefinition[]
  /** Topics whose partition counts must be equal, for each join in it. */
  readonly copartitioned: readonly (readonly string[])[]
}

export type TopologyNode = SourceNode | ProcessorNode | SinkNode

export interface SourceNode {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly string[]
  /** Reads every topic whose whole name matches, too: `topics` are those that are known. */
  readonly pattern?: RegExp
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** Event time of a record; the application's `timestampExtractor` says when omitted. */
  readonly timestamp?: TimestampExtractor
  /** Where to begin without a committed offset; at the earliest record when omitted. */
  readonly offsetReset?: OffsetReset
}

/**
 * The first record that there is, the end, nowhere (an error), or the first record that is at most so many milliseconds old.
 * Kafka Streams' `AutoOffsetReset`.
 */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { readonly agoMs: number }

export interface ProcessorNode {
  readonly kind: 'processor'
  readonly name: string
  readonly parents: readonly string[]
  readonly stores: readonly string[]
  readonly supplier: ProcessorSupplier
  /** Whether a user wrote the processor, so that what it forwards has to be looked at. */
  readonly isUserDefined?: boolean
}

export interface SinkNode {
  readonly kind: 'sink'
  readonly name: string
  readonly parents: readonly string[]
  /** The topic, or what chooses one for each record. */
  readonly topic: string | TopicNameExtractor
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** Partition of a record; by default the murmur2 hash of the key's bytes, as every Kafka client does. */
  readonly partitioner?: Partitioner
}

/** Null leaves the choice to the key's bytes; several partitions get a copy each, and with none the record is dropped. */
export type Partitioner = UserFunction<
  [key: unknown, value: unknown, partitions: number],
  number | readonly number[] | null
>

/** Chooses the topic of a record. Kafka Streams' `TopicNameExtractor`. */
export type TopicNameExtractor = UserFunction<
  [key: unknown, value: unknown, context: RecordContext],
  string
>

/** The topic that a node writes to, if it is a sink with one for all records. */
export function topicsOfSink(node: TopologyNode): readonly string[] {
  return node.kind === 'sink' && typeof node.topic === 'string' ? [node.topic] : []
}

/** A table of which every instance holds all partitions, kept up to date outside of the tasks. */
export interface GlobalStore {
  /** Number in `describe()`; global stores count as sub-topologies there. */
  readonly id: number
  readonly source: SourceNode
  readonly processor: ProcessorNode
  readonly store: StoreDefinition
}

/** Whether a store has a changelog topic, or the settings of that topic which differ from the usual ones. */
export type Logging = boolean | Readonly<Record<string, string>>

export interface InternalTopic {
  readonly name: string
  readonly kind: 'repartition' | 'changelog'
  /**
   * Number of partitions when it is given; otherwise that of the tasks: for a repartition topic the largest among the
   * source topics upstream, for a changelog the number of the sub-topology's tasks.
   */
  readonly partitions?: number
  readonly configs: Readonly<Record<string, string>>
  /** Those of them that the user gave with the store. */
  readonly givenConfigs?: Readonly<Record<string, string>>
}

/** Whether a source reads a topic. */
export function readsTopic({ topics, pattern }: SourceNode, topic: string): boolean {
  return topics.includes(topic) || (pattern !== undefined && matchesWhole(pattern, topic))
}

/** Java's `Matcher#matches`: of the whole name. */
export function matchesWhole({ source, flags }: RegExp, name: string): boolean {
  return new RegExp(`^(?:${source})$`, flags.replaceAll(/[gy]/g, '')).test(name)
}

/** Topics that a topology reads and that others must have created: all sources but its own internal topics. */
export function externalTopics({
  subtopologies,
  globalStores,
  internalTopics,
}: Topology): string[] {
  const internal = new Set(internalTopics.map(({ name }) => name))
  const sources = [
    ...subtopologies.flatMap(({ nodes }) => nodes.filter(node => node.kind === 'source')),
    ...globalStores.map(({ source }) => source),
  ]
  const topics = new Set(sources.flatMap(source => source.topics))
  return [...topics].filter(topic => !internal.has(topic))
}
