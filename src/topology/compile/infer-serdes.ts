import { type LogicalGraph, ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import type { Serdes } from './rule.ts'

/**
 * What is known of the serdes of the records that leave each node: given ones first, then what the operator makes (a
 * count is a long), then the parent's as far as key or value stay what they were.
 */
export function inferSerdes(graph: LogicalGraph): ReadonlyMap<NodeId, Serdes> {
  const known = new Map<NodeId, Serdes>()
  for (const node of graph.nodes) {
    const parents = node.parents.map(parent => known.get(parent) ?? {})
    known.set(node.id, ruleOf(node).serdes(node, parents))
  }
  return known
}
