import type { TopologyNode } from '../topology.ts'
import { hashOrder } from './hash-order.ts'
import { JavaTreeSet } from './java-tree-set.ts'

/**
 * In which order Java's description lists the nodes of a sub-topology and the names behind its arrows. Nodes stand by
 * size, larger first, then by name; the size of a node is one plus the sizes of its children. Names behind arrows are
 * placed by the sizes as they were when the arrow was drawn, in the order of a Java hash table; so we draw the arrows in
 * the same order. `InternalTopologyBuilder#describeSubtopology`.
 */
export interface NodeOrder {
  readonly nodes: readonly TopologyNode[]
  childrenOf(node: TopologyNode): readonly TopologyNode[]
  parentsOf(node: TopologyNode): readonly TopologyNode[]
}

export function orderForDescription(nodes: readonly TopologyNode[]): NodeOrder {
  const byName = new Map(nodes.map(node => [node.name, newEntry(node)]))
  const entriesOf = (names: readonly string[]): Entry[] =>
    names.flatMap(name => byName.get(name) ?? [])
  for (const entry of entriesOf(hashOrder([...byName.keys()]))) {
    const { node } = entry
    for (const parent of entriesOf(node.kind === 'source' ? [] : node.parents)) {
      entry.parents.add(parent)
      parent.children.add(entry)
      grow(parent, entry.size)
    }
  }
  const listed = [...byName.values()].sort(compare)
  const linked = (links: JavaTreeSet<Entry> | undefined): TopologyNode[] =>
    [...(links ?? [])].map(entry => entry.node)
  return {
    nodes: listed.map(({ node }) => node),
    childrenOf: node => linked(byName.get(node.name)?.children),
    parentsOf: node => linked(byName.get(node.name)?.parents),
  }
}

interface Entry {
  readonly node: TopologyNode
  size: number
  readonly children: JavaTreeSet<Entry>
  readonly parents: JavaTreeSet<Entry>
}

function newEntry(node: TopologyNode): Entry {
  return { node, size: 1, children: new JavaTreeSet(compare), parents: new JavaTreeSet(compare) }
}

/** A node has grown below, and with it everything above that is linked so far: once for each path. */
function grow(entry: Entry, by: number): void {
  entry.size += by
  for (const parent of entry.parents) grow(parent, by)
}

function compare(one: Entry, two: Entry): number {
  if (one === two) return 0
  if (one.size !== two.size) return two.size - one.size
  return one.node.name < two.node.name ? -1 : 1
}
