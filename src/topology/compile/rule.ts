import type { Serde } from '../../serde/serde.ts'
import type { NodeBase, NodeId } from '../nodes/node.ts'
import type { Emission } from './emission.ts'
import type { NameCounter } from './name-nodes.ts'
import type { TablePlanner, TableView } from './plan-tables.ts'

/** How the passes of the compiler treat one kind of node. A new operator is a node, its rule and its processor. */
export interface NodeRule<N extends NodeBase> {
  /**
   * What happens to the key: records keep it, `changed` ones may be in the wrong partition from here on, `settled` ones
   * are in the right partition again.
   */
  readonly key: 'kept' | 'changed' | 'settled'
  /** Whether records leave it with other values than they came with, under the same keys. */
  readonly value?: 'changed'
  /** Takes the node's names, in the order in which Kafka Streams takes them: each one uses up a number. */
  names(node: N, counter: NameCounter): NodeNames
  /** The repartition of a parent that `names` asked for. */
  repartition?(node: N, parent: number): RepartitionRequest
  /** Serdes of the records that leave the node, as far as they are known. */
  serdes(node: N, parents: readonly Serdes[]): Serdes
  /** Says which stores its tables need, and who must send old values. */
  planTables?(node: N, names: NodeNames, tables: TablePlanner): void
  /** How a join looks up the rows of this table. `parent` gives the view of a table it derives from. */
  view?(
    node: N,
    store: string | undefined,
    parent: (index: number) => TableView,
    names: NodeNames,
  ): TableView
  /** How long after their end its windows close, in milliseconds; undefined if it has none. */
  windowsCloseAfterMs?(node: N): number | undefined
  /** Writes sources, processors, sinks and stores. */
  emit(node: N, emission: Emission): void
}

export interface NodeNames {
  /** The name that children attach to. */
  readonly name: string
  /** Of the source before a table; of the sink and filter before a repartition topic. */
  readonly source?: string
  readonly sink?: string
  readonly filter?: string
  /** Of the two sides of a join, in front of the node that merges their results. */
  readonly left?: string
  readonly right?: string
  /** Of what keeps the records of each side of a join, in front of those, and of its stores. */
  readonly leftWindowed?: string
  readonly rightWindowed?: string
  readonly leftStore?: string
  readonly rightStore?: string
  /** Of the processors of a cogroup, one for each input, in front of the node that merges their results. */
  readonly parts?: readonly string[]
  /** Of everything between the two tables of a join by a foreign key. */
  readonly foreignKeyJoin?: ForeignKeyJoinNames
  /** The repartition topic, without the application id. */
  readonly topic?: string
  /** The store, or the name it gets if it turns out to be needed. */
  readonly store?: string
  /** Repartitions to insert in front of this node. */
  readonly repartitions?: readonly RepartitionNames[]
}

export interface ForeignKeyJoinNames {
  /** Of the topics, without the application id. */
  readonly registrationTopic: string
  readonly responseTopic: string
  /** The store of the subscriptions. */
  readonly subscriptions: string
  /** Beside the left table, and into the first topic. */
  readonly subscribe: string
  readonly registrationSink: string
  /** Out of it and beside the right table: what keeps a subscription, answers one, and answers all when a row changes. */
  readonly registrationSource: string
  readonly receive: string
  readonly answer: string
  readonly answerAll: string
  /** Through the second topic back to the left one. */
  readonly responseSink: string
  readonly responseSource: string
  readonly resolve: string
}

export interface RepartitionNames {
  /** Which parent is repartitioned, as an index into the node's parents. */
  readonly parent: number
  readonly topic: string
  readonly sink: string
  /** Absent where nothing is filtered. */
  readonly filter?: string
  readonly source: string
}

interface RepartitionRequest {
  readonly serdes: Serdes
  /** Nodes of one owner may share a repartition topic. */
  readonly owner: object | NodeId
  /** Whether this node takes the owner's repartition topic, if there is one. */
  readonly shared: boolean
  /** Whether the records are changes of a table. */
  readonly ofChanges?: boolean
}

/** Undefined where nothing says how keys or values become bytes; an error only where bytes are needed. */
export interface Serdes {
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
}
