import type { NamedGraph } from './insert-repartitions.ts'

/**
 * Has a stream that is joined with itself stored once. Two `stream()` calls on one topic are one stream by now, and so are the
 * two sides of a join that came to share a repartition topic. `InternalStreamsBuilder#rewriteSingleStoreSelfJoin`, which takes
 * left and outer joins for inner ones too: a record meets itself.
 */
export function shareSelfJoins(graph: NamedGraph): NamedGraph {
  const nodes = graph.nodes.map(node =>
    node.kind === 'streamStreamJoin' && node.parents[0] === node.parents[1]
      ? Object.freeze({ ...node, isSelfJoin: true })
      : node,
  )
  return { ...graph, nodes }
}
