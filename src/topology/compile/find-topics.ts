import type { LogicalNode } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import { repartitionTopic } from './internal-topics.ts'
import type { NamedGraph } from './insert-repartitions.ts'
import type { NodeNames } from './rule.ts'

/** The topics whose records reach each node: those of the sources above it, up to the nearest repartition topics. */
export function findTopics(
  applicationId: string,
  { nodes, names }: NamedGraph,
): ReadonlyMap<NodeId, readonly string[]> {
  const found = new Map<NodeId, readonly string[]>()
  for (const node of nodes) {
    found.set(node.id, ownTopics(node) ?? node.parents.flatMap(id => found.get(id) ?? []))
  }
  return found

  /** What comes out of the join comes from its second topic. */
  function responseTopicOf(own: NodeNames | undefined): string {
    return own?.foreignKeyJoin?.responseTopic ?? ''
  }

  function ownTopics(node: LogicalNode): readonly string[] | undefined {
    switch (node.kind) {
      case 'streamSource':
        // No name of a topic begins with a slash.
        return node.pattern === undefined ? node.topics : [String(node.pattern)]
      case 'tableSource':
        return [node.topic]
      case 'repartition':
        return [repartitionTopic(applicationId, names.get(node.id)?.topic ?? '', undefined).name]
      case 'foreignKeyJoin':
        return [
          repartitionTopic(applicationId, responseTopicOf(names.get(node.id)), undefined).name,
        ]
      default:
        return undefined
    }
  }
}
