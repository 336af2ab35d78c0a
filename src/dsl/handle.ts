import { MillraceError } from '../errors.ts'
import type { GraphBuilder } from '../topology/graph.ts'
import type { Grouping } from '../topology/nodes/aggregate.ts'
import type { NodeId } from '../topology/nodes/node.ts'

/** Where a handle (a stream, a table) keeps the node it stands for: out of sight of whoever uses it. */
export const handle: unique symbol = Symbol('millrace.handle')

/** A node of the graph, with the types of the records that leave it. */
export interface Handle<K, V> {
  readonly graph: GraphBuilder
  readonly node: NodeId
  /** Only for the compiler of TypeScript: no value ever stands here. */
  readonly types?: { readonly key: K; readonly value: V }
}

/** The same of a grouped stream, with how it is grouped. */
export interface GroupedHandle<K, V> extends Handle<K, V> {
  readonly grouping: Grouping
}

/** The name that was given to the store of a table; undefined when none was. */
export function givenStore({ graph, node }: Handle<unknown, unknown>): string | undefined {
  const table = graph.nodes[node]
  if (table === undefined || !('store' in table)) return undefined
  return typeof table.store === 'string' ? table.store : undefined
}

/** The node behind another handle. Throws INVALID_TOPOLOGY when it was made by another builder. */
export function nodeOf(
  other: { readonly [handle]: Handle<unknown, unknown> },
  graph: GraphBuilder,
): NodeId {
  if (other[handle].graph === graph) return other[handle].node
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    'A join, merge or cogroup has a stream or table of another StreamsBuilder. Make both from the same builder.',
  )
}
