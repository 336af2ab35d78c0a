import { type LogicalNode, ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import type { RepartitionNode } from '../nodes/repartition.ts'
import type { NamedGraph } from './insert-repartitions.ts'
import { withParents } from './merge-sources.ts'
import type { NodeNames } from './rule.ts'

/**
 * One repartition topic for everything that is grouped and joined by one new key: it comes right after the operator that
 * changes the key, or after the merge below several of them, and is called after the first of those it stands for. Topics
 * that the user asked for stay. So do those with an operator in front that changes values: there the records are others,
 * and often smaller. `InternalStreamsBuilder#mergeRepartitionTopics`.
 *
 * Kafka Streams takes the nearest operator on any path upwards for the one; where a merge has inputs with other new keys, their
 * records would then be in wrong partitions. Here such a topic stays where it is. Inputs of a merge whose keys were not changed
 * are right where they are if their topics have as many partitions as the merged one: they must have.
 */
export function mergeRepartitions({ nodes, names }: NamedGraph): NamedGraph {
  const upwards = new Upwards(nodes)
  const mergedNames = new Map(names)
  const replaced = new Map<NodeId, NodeId>()
  const moved = new Map<NodeId, Map<NodeId, NodeId>>()
  const added = new Map<NodeId, RepartitionNode>()
  const copartitioned: NodeId[] = []
  let nextId = Math.max(-1, ...nodes.map(node => node.id)) + 1
  for (const [origin, repartitions] of byOrigin(nodes, upwards)) {
    const [first] = repartitions
    if (first === undefined) continue
    const id = nextId++
    const parents = Object.freeze([origin])
    const key = repartitions.find(node => node.key !== undefined)?.key
    const value = repartitions.find(node => node.value !== undefined)?.value
    const merged: RepartitionNode = { kind: 'repartition', id, parents, key, value }
    added.set(origin, Object.freeze(merged))
    mergedNames.set(id, mergedTopicNames(names.get(first.id)?.topic ?? ''))
    for (const repartition of repartitions) {
      const [parent = origin] = repartition.parents
      replaced.set(repartition.id, parent === origin ? id : parent)
      copartitioned.push(parent === origin ? id : parent)
      mergedNames.delete(repartition.id)
      for (const { id: below } of upwards.between(repartition, origin)) {
        moved.set(below, (moved.get(below) ?? new Map<NodeId, NodeId>()).set(origin, id))
      }
    }
  }
  const result = nodes.flatMap(node => {
    if (replaced.has(node.id)) return []
    const above = moved.get(node.id)
    const placed = node.kind === 'merge' && above !== undefined ? withLast(node, above) : node
    const now = withParents(placed, id => above?.get(id) ?? replaced.get(id) ?? id)
    const repartition = added.get(node.id)
    return repartition === undefined ? [now] : [now, repartition]
  })
  return { nodes: result, names: mergedNames, copartitioned }
}

/** The merge with those parents last that give way to a repartition topic: so Kafka Streams describes it. */
function withLast(node: LogicalNode, moved: ReadonlyMap<NodeId, NodeId>): LogicalNode {
  const parents = node.parents.toSorted((one, two) => +moved.has(one) - +moved.has(two))
  return Object.freeze({ ...node, parents: Object.freeze(parents) })
}

function mergedTopicNames(topic: string): NodeNames {
  return { name: `${topic}-source`, topic, sink: `${topic}-sink`, filter: `${topic}-filter` }
}

/** The repartition topics that can be merged, by the node that the one instead of them comes after. */
function byOrigin(
  nodes: readonly LogicalNode[],
  upwards: Upwards,
): ReadonlyMap<NodeId, readonly RepartitionNode[]> {
  const byChanger = new Map<NodeId, RepartitionNode[]>()
  for (const node of nodes) {
    if (changesKey(node)) byChanger.set(node.id, [])
    if (node.kind !== 'repartition' || !node.isImplied || node.ofChanges) continue
    const changer = upwards.nearest(node, changesKey)
    const nearest = upwards.nearest(node, above => changesKey(above) || changesValue(above))
    if (changer !== undefined && nearest === changer) byChanger.get(changer.id)?.push(node)
  }
  const origins = new Map<NodeId, RepartitionNode[]>(byChanger)
  for (const merge of nodes.filter(({ kind }) => kind === 'merge')) {
    const below = (node: LogicalNode): boolean => upwards.reaches(node, merge.id)
    const changers = [...byChanger].filter(
      ([changer, repartitions]) => repartitions.every(below) && upwards.reaches(merge, changer),
    )
    const repartitions = changers.flatMap(([changer]) => byChanger.get(changer) ?? [])
    for (const [changer] of changers) origins.delete(changer)
    // A merge further down has them all.
    for (const [earlier, theirs] of origins) {
      const rest = theirs.filter(node => !repartitions.includes(node))
      if (rest.length < theirs.length) origins.set(earlier, rest)
    }
    origins.set(merge.id, repartitions)
  }
  for (const [origin, repartitions] of origins) {
    const safe = repartitions.filter(node => !upwards.between(node, origin).some(changesKey))
    origins.set(origin, safe)
  }
  return origins
}

/** The half of a change that `KTable.groupBy` makes has its own way. */
const changesKey = (node: LogicalNode): boolean =>
  node.kind !== 'tableGroupBy' && ruleOf(node).key === 'changed'

const changesValue = (node: LogicalNode): boolean => ruleOf(node).value === 'changed'

/** Ways from a node towards the sources. */
class Upwards {
  readonly #nodes: ReadonlyMap<NodeId, LogicalNode>

  constructor(nodes: readonly LogicalNode[]) {
    this.#nodes = new Map(nodes.map(node => [node.id, node]))
  }

  /**
   * The nearest node above that is such a one, as Kafka Streams finds it where ways part: a parent at once, else what the
   * last parent leads to.
   */
  nearest(start: LogicalNode, isIt: (node: LogicalNode) => boolean): LogicalNode | undefined {
    let found: LogicalNode | undefined
    for (const parent of this.#parents(start)) {
      if (isIt(parent)) return parent
      found = this.nearest(parent, isIt)
    }
    return found
  }

  reaches(start: LogicalNode, target: NodeId): boolean {
    const seen = new Set<LogicalNode>()
    const climb = (node: LogicalNode): boolean =>
      this.#parents(node).some(parent => {
        if (parent.id === target) return true
        if (seen.has(parent)) return false
        seen.add(parent)
        return climb(parent)
      })
    return climb(start)
  }

  /**
   * The nodes whose records come to a node in partitions that may be wrong, but not another node and what comes only through
   * that.
   */
  between(start: LogicalNode, target: NodeId): LogicalNode[] {
    const found = new Set<LogicalNode>()
    const climb = (node: LogicalNode): void => {
      for (const parent of this.#parents(node)) {
        if (parent.id === target || found.has(parent) || ruleOf(parent).key === 'settled') continue
        found.add(parent)
        climb(parent)
      }
    }
    climb(start)
    return [...found]
  }

  /** Where records come from: the table of a join is looked up, and sends none. */
  #parents(node: LogicalNode): LogicalNode[] {
    const parents = node.kind === 'streamTableJoin' ? node.parents.slice(0, 1) : node.parents
    return parents.flatMap(id => this.#nodes.get(id) ?? [])
  }
}
