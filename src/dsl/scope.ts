import type { GraphBuilder } from '../topology/graph.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'

/**
 * What a handle needs to make the next one. Streams make tables and tables make streams, so neither implementation
 * imports the other: the builder, which knows both, hands them this.
 */
export interface Scope {
  readonly graph: GraphBuilder
  stream<K, V>(node: NodeId): KStream<K, V>
  table<K, V>(node: NodeId): KTable<K, V>
}
