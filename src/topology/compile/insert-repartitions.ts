import type { LogicalGraph, LogicalNode } from '../nodes/index.ts'
import { ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import { withParents } from './merge-sources.ts'
import type { NodeNames, RepartitionNames } from './rule.ts'

export interface NamedGraph extends LogicalGraph {
  readonly names: ReadonlyMap<NodeId, NodeNames>
  /** Nodes to which records of several topics come without a repartition topic in front: these need equal partitions. */
  readonly copartitioned?: readonly NodeId[]
}

/**
 * Puts a repartition topic in front of every node that needs records in the partition of their key when the key may have
 * changed since they were last written. Aggregations of one named group share the topic, those of an unnamed group have
 * one each; joins of one stream share it.
 */
export function insertRepartitions({ nodes, names }: NamedGraph): NamedGraph {
  const inserted = new Map<NodeId, NodeNames>(names)
  const byOwner = new Map<object | NodeId, NodeId>()
  const result: LogicalNode[] = []
  const places = new Map<NodeId, NodeId>()
  let nextId = Math.max(-1, ...nodes.map(node => node.id)) + 1
  for (const node of nodes) {
    const moved = new Map<number, NodeId>()
    for (const repartition of names.get(node.id)?.repartitions ?? []) {
      const parent = node.parents[repartition.parent]
      const request = ruleOf(node).repartition?.(node, repartition.parent)
      if (parent === undefined || request === undefined) continue
      const existing = byOwner.get(request.owner)
      if (request.shared && existing !== undefined) {
        moved.set(repartition.parent, existing)
        // Kafka Streams adds a group's topic again with each aggregation, which moves it; a join takes it where it is.
        if (typeof request.owner === 'object') places.set(existing, node.id)
        continue
      }
      const id = nextId++
      result.push(
        Object.freeze({
          kind: 'repartition',
          id,
          parents: Object.freeze([parent]),
          ...request.serdes,
          isImplied: true,
          ofChanges: request.ofChanges,
        }),
      )
      inserted.set(id, namesOf(repartition))
      byOwner.set(request.owner, id)
      moved.set(repartition.parent, id)
    }
    result.push(withParents(node, (id, index) => moved.get(index) ?? id))
  }
  return { nodes: places.size === 0 ? result : ordered(result, places), names: inserted }
}

/**
 * The nodes in the order in which they are written: the first whose parents all are. Some stand before another node than they
 * did, so what is below them comes later too. `InternalStreamsBuilder#buildAndOptimizeTopology`.
 */
function ordered(
  nodes: readonly LogicalNode[],
  places: ReadonlyMap<NodeId, NodeId>,
): readonly LogicalNode[] {
  const before = new Map([...places].map(([id, place]) => [place, id]))
  const byId = new Map(nodes.map(node => [node.id, node]))
  const waiting = nodes
    .filter(({ id }) => !places.has(id))
    .flatMap(node => {
      const moved = byId.get(before.get(node.id) ?? -1)
      return moved === undefined ? [node] : [moved, node]
    })
  const written = new Set<NodeId>()
  const result: LogicalNode[] = []
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ parents }) => parents.every(parent => written.has(parent)))
    const [node] = waiting.splice(Math.max(0, next), 1)
    if (node === undefined) break
    written.add(node.id)
    result.push(node)
  }
  return result
}

function namesOf({ topic, sink, filter, source }: RepartitionNames): NodeNames {
  return { name: source, topic, sink, ...(filter !== undefined && { filter }) }
}
