import { isDeepStrictEqual } from 'node:util'

import { MillraceError } from '../../errors.ts'
import type { LogicalGraph, LogicalNode } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import type { StreamSourceNode } from '../nodes/stream-source.ts'

/**
 * Two `stream()` calls on the same topics become one source, the first, because a task reads a topic once.
 * `InternalStreamsBuilder#mergeDuplicateSourceNodes`. Kafka Streams takes any two serdes of one class for equal and the
 * first extractor for both; here a serde may check and shape what it reads, so both must be the same.
 */
export function mergeSources(graph: LogicalGraph): LogicalGraph {
  const first = new Map<string, StreamSourceNode>()
  const replaced = new Map<NodeId, NodeId>()
  const nodes: LogicalNode[] = []
  for (const node of graph.nodes) {
    if (node.kind === 'streamSource') {
      const topics = node.pattern ? String(node.pattern) : [...node.topics].sort().join(' ')
      const earlier = first.get(topics)
      if (earlier !== undefined) {
        requireSameReading(earlier, node)
        replaced.set(node.id, earlier.id)
        continue
      }
      first.set(topics, node)
    }
    const reading = withParents(node, id => replaced.get(id) ?? id)
    nodes.push(node.kind === 'merge' ? movedLast(reading, node) : reading)
  }
  return { nodes }
}

/** A node that was moved to the first source has it as its last parent, as descriptions show. */
function movedLast(node: LogicalNode, before: LogicalNode): LogicalNode {
  const moved = (_: NodeId, index: number): boolean => node.parents[index] !== before.parents[index]
  const stayed = node.parents.filter((parent, index) => !moved(parent, index))
  const parents = [...stayed, ...node.parents.filter(moved)]
  return withParents(node, (_, index) => parents[index] ?? -1)
}

/** The node with other parents; the same node if they stay. */
export function withParents(
  node: LogicalNode,
  map: (parent: NodeId, index: number) => NodeId,
): LogicalNode {
  const parents = node.parents.map(map)
  if (parents.every((parent, index) => parent === node.parents[index])) return node
  return Object.freeze({ ...node, parents: Object.freeze(parents) })
}

function requireSameReading(one: StreamSourceNode, two: StreamSourceNode): void {
  const topic = one.pattern ? String(one.pattern) : one.topics.join(', ')
  if (one.key !== two.key || one.value !== two.value) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The topic ${topic} is read twice, as ${one.key.name} and ${one.value.name} and as ${two.key.name} and ` +
        `${two.value.name}, by different serdes. Read it once, and convert with map or mapValues where it is needed.`,
    )
  }
  if (!isDeepStrictEqual(one.offsetReset, two.offsetReset)) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The topic ${topic} is read twice, from different offsets when none is committed. Give both the same offsetReset.`,
    )
  }
  if (one.timestamp === two.timestamp) return
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `The topic ${topic} is read twice, each time with a timestamp of its own. Read it once, and use the handle for both.`,
  )
}
