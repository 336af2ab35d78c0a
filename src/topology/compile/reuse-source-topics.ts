import type { NamedGraph } from './insert-repartitions.ts'

/**
 * Has the tables that are read from topics restore their stores from there. Kafka Streams does so too where an extractor
 * computes the times, and restores rows with the times of the records instead; here such a table keeps its changelog.
 * `InternalStreamsBuilder#reuseKTableSourceTopics`.
 */
export function reuseSourceTopics(graph: NamedGraph): NamedGraph {
  const nodes = graph.nodes.map(node =>
    node.kind === 'tableSource' && node.timestamp === undefined
      ? Object.freeze({ ...node, reusesTopic: true })
      : node,
  )
  return { ...graph, nodes }
}
