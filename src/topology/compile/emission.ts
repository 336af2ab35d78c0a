import assert from 'node:assert/strict'
import { MillraceError } from '../../errors.ts'
import type { Serde } from '../../serde/serde.ts'
import type { LogicalNode } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { StoreBuilder } from '../store-builder.ts'
import type { WithoutChangelog } from '../../state/store-definition.ts'
import type {
  GlobalStore,
  InternalTopic,
  Logging,
  SinkNode,
  SourceNode,
  StoreDefinition,
  TopologyNode,
} from '../topology.ts'
import { changelogTopic, repartitionTopic } from './internal-topics.ts'
import type { NodeNames, Serdes } from './rule.ts'
import { type TablePlan, type TableView, viewOf } from './plan-tables.ts'
import { windowsCloseAfterMs } from './windows-close.ts'

/** What the passes before emission have found out. */
export interface Plan {
  readonly applicationId: string
  /** Where operators keep their rows, unless they say. */
  readonly storesAreInMemory: boolean
  readonly nodes: ReadonlyMap<NodeId, LogicalNode>
  readonly names: ReadonlyMap<NodeId, NodeNames>
  readonly serdes: ReadonlyMap<NodeId, Serdes>
  readonly tables: ReadonlyMap<NodeId, TablePlan>
  /** Source topics upstream of each node, up to the next repartition topic. */
  readonly topics: ReadonlyMap<NodeId, readonly string[]>
}

/** Everything that the nodes have emitted, in order; sub-topologies are not told apart yet. */
export interface Blueprint {
  readonly nodes: TopologyNode[]
  readonly stores: StoreDefinition[]
  /** Stores that users have defined, each once. */
  readonly added: Set<StoreBuilder>
  /** By the name of the source. */
  readonly globalStores: Map<string, Omit<GlobalStore, 'id'>>
  readonly internalTopics: InternalTopic[]
  readonly copartitioned: (readonly string[])[]
}

/** What the rule of one node sees of the plan, and where it writes sources, processors, sinks and stores. */
export class Emission {
  readonly names: NodeNames
  /** Serdes of the records that leave the node. */
  readonly serdes: Serdes
  /** Store and old values, if the node is a table. */
  readonly table: TablePlan
  readonly #plan: Plan
  readonly #node: LogicalNode
  readonly #blueprint: Blueprint

  constructor(plan: Plan, node: LogicalNode, blueprint: Blueprint) {
    this.names = found(plan.names.get(node.id))
    this.serdes = found(plan.serdes.get(node.id))
    this.table = plan.tables.get(node.id) ?? noTable
    this.#plan = plan
    this.#node = node
    this.#blueprint = blueprint
  }

  /** Serdes of the records that come from the first parent. */
  get input(): Serdes {
    return this.inputOf(0)
  }

  inputOf(parent: number): Serdes {
    return this.#plan.serdes.get(this.#node.parents[parent] ?? -1) ?? {}
  }

  /** The nodes that were made from this one, in that order, with their names. */
  get children(): readonly (readonly [node: LogicalNode, name: string])[] {
    const { nodes, names } = this.#plan
    const children = [...nodes.values()].filter(({ parents }) => parents.includes(this.#node.id))
    return children.map(node => [node, found(names.get(node.id)).name])
  }

  /** What was decided about a table that the node reads. */
  tableOf(id: NodeId): TablePlan {
    return this.#plan.tables.get(id) ?? noTable
  }

  /** Whether the changes that come from a parent are those of a versioned table. */
  readsVersions(parent: number): boolean {
    return this.tableOf(this.#node.parents[parent] ?? -1).historyRetentionMs !== undefined
  }

  /** How to look up rows of a table. */
  viewOf(id: NodeId): TableView {
    return viewOf(id, this.#plan)
  }

  /** How long after their end the windows close whose results come here, in milliseconds. Throws when there are none. */
  windowsCloseAfterMs(): number {
    return windowsCloseAfterMs(this.#node.id, this.#plan.nodes, this.names.name)
  }

  source(source: Omit<SourceNode, 'kind'>): void {
    this.#blueprint.nodes.push(Object.freeze({ kind: 'source', ...source }))
  }

  /** A processor of the node's own name below all its parents, unless said otherwise. */
  processor(processor: {
    supplier: ProcessorSupplier
    stores?: readonly string[]
    name?: string
    parents?: readonly string[]
    isUserDefined?: boolean
  }): void {
    // A stream that is merged with itself comes once: its graph has one edge, as that of Kafka Streams.
    const { parents = [...new Set(this.#parents)] } = processor
    const { stores = [], name = this.names.name, ...rest } = processor
    this.#blueprint.nodes.push(Object.freeze({ kind: 'processor', ...rest, name, parents, stores }))
  }

  sink(
    sink: Omit<SinkNode, 'kind' | 'parents' | 'name'> & {
      name?: string
      parents?: readonly string[]
    },
  ): void {
    const { name = this.names.name, parents = this.#parents, ...rest } = sink
    this.#blueprint.nodes.push(Object.freeze({ kind: 'sink', name, parents, ...rest }))
  }

  /** The name of one parent, for a processor that only this one forwards to. */
  parentName(index: number): string {
    return found(this.#parents[index])
  }

  /** A store of this node; `logged` says whether its changes go to a changelog topic, or with which settings. */
  store(store: WithoutChangelog, { logged }: { logged: Logging }): void {
    const { applicationId, storesAreInMemory } = this.#plan
    const { inMemory = storesAreInMemory && store.kind !== 'versionedKeyValue' } = store
    placeStore(this.#blueprint, applicationId, { ...store, inMemory }, logged)
  }

  /** A store that a user defined: the first time it comes it is added. */
  addStore(store: StoreBuilder): void {
    addStore(this.#blueprint, this.#plan.applicationId, store)
  }

  /** A store that was emitted already. */
  storeCalled(name: string): StoreDefinition | undefined {
    return this.#blueprint.stores.find(store => store.name === name)
  }

  globalStore(global: Omit<GlobalStore, 'id'>): void {
    this.#blueprint.nodes.push(global.source, global.processor)
    this.#blueprint.globalStores.set(global.source.name, Object.freeze(global))
  }

  /** Declares a repartition topic and returns its full name. */
  repartitionTopic(name: string, partitions: number | undefined): string {
    const topic = repartitionTopic(this.#plan.applicationId, name, partitions)
    this.#blueprint.internalTopics.push(topic)
    return topic.name
  }

  /** Says that all topics upstream of this node, or of some parents, and others must have the same number of partitions. */
  copartition(
    parents: readonly NodeId[] = this.#node.parents,
    others: readonly string[] = [],
  ): void {
    const topics = parents.flatMap(parent => this.#plan.topics.get(parent) ?? [])
    this.#blueprint.copartitioned.push([...new Set([...topics, ...others])])
  }

  /**
   * A serde that is needed here. `what` names the bytes, such as "the keys of the topic delays", and `option` the call
   * that gives it. Throws INVALID_TOPOLOGY when it is not known.
   */
  require(serde: Serde<unknown> | undefined, what: string, option: string): Serde<unknown> {
    if (serde !== undefined) return serde
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `Nothing says how ${what} become bytes at ${this.names.name}. Give a serde there: ${option}.`,
    )
  }

  get #parents(): readonly string[] {
    return this.#node.parents.map(parent => found(this.#plan.names.get(parent)).name)
  }
}

function found<T>(value: T | undefined): T {
  assert(value !== undefined, 'A pass of the compiler has skipped a node')
  return value
}

/** Adds a store and, if it is logged, its changelog topic. */
function placeStore(
  blueprint: Blueprint,
  applicationId: string,
  store: WithoutChangelog,
  logged: Logging,
): void {
  if (logged === false || store.sourceTopic !== undefined) {
    blueprint.stores.push(Object.freeze({ ...store, changelogTopic: null }))
    return
  }
  const topic = changelogTopic(applicationId, store, logged === true ? {} : logged)
  blueprint.internalTopics.push(topic)
  blueprint.stores.push(Object.freeze({ ...store, changelogTopic: topic.name }))
}

/** Adds a store that a user defined, unless it is there already. */
export function addStore(blueprint: Blueprint, applicationId: string, store: StoreBuilder): void {
  const { added } = blueprint
  if (added.has(store)) return
  added.add(store)
  placeStore(blueprint, applicationId, store.definition, store.changelog)
}

const noTable: TablePlan = {
  store: undefined,
  sendsOldValues: false,
  historyRetentionMs: undefined,
}
