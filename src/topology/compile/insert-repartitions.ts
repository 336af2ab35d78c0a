import type { LogicalGraph, LogicalNode } from '../nodes/index.ts'
import { ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import { withParents } from './merge-sources.ts'
import type { NodeNames, RepartitionNames } from './rule.ts'

export interface NamedGraph extends LogicalGraph {
  readonly names: ReadonlyMap<NodeId, NodeNames>
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
  return { nodes: result, names: inserted }
}

function namesOf({ topic, sink, filter, source }: RepartitionNames): NodeNames {
  return { name: source, topic, sink, ...(filter !== undefined && { filter }) }
}
