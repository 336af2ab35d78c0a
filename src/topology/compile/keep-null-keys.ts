import type { LogicalGraph, LogicalNode } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'

/**
 * Lets records without a key pass the repartition topics that have a left or outer join somewhere below: such a join
 * has a result for them. `NodesWithRelaxedNullKeyJoinDownstream`.
 */
export function keepNullKeys<G extends LogicalGraph>(graph: G): G {
  const above = new Set<NodeId>()
  for (const node of graph.nodes.toReversed()) {
    if (!above.has(node.id) && !joinsWithoutKey(node)) continue
    for (const parent of node.parents) above.add(parent)
  }
  const nodes = graph.nodes.map(node =>
    node.kind === 'repartition' && above.has(node.id)
      ? Object.freeze({ ...node, keepsNullKeys: true })
      : node,
  )
  return { ...graph, nodes }
}

function joinsWithoutKey(node: LogicalNode): boolean {
  switch (node.kind) {
    case 'streamStreamJoin':
    case 'streamTableJoin':
    case 'streamGlobalTableJoin':
      return node.join !== 'inner'
    default:
      return false
  }
}
