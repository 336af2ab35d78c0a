import type {
  GlobalStore,
  InternalTopic,
  StoreDefinition,
  Subtopology,
  Topology,
  TopologyNode,
} from '../topology.ts'
import { hashOrder } from '../describe/hash-order.ts'
import type { Blueprint } from './emission.ts'
import { UnionFind } from './union-find.ts'

/**
 * Cuts what the nodes have emitted into sub-topologies: connected parts, where a connection is an arrow or a shared
 * store. Their numbers follow their first nodes; global stores take numbers too. `InternalTopologyBuilder#makeNodeGroups`.
 */
export function split(applicationId: string, blueprint: Blueprint): Topology {
  const parts = connectedParts(blueprint.nodes)
  const subtopologies: Subtopology[] = []
  const globalStores: GlobalStore[] = []
  for (const [id, nodes] of parts.entries()) {
    const global = blueprint.globalStores.get(nodes[0]?.name ?? '')
    if (global === undefined) subtopologies.push(subtopology(id, nodes, blueprint))
    else globalStores.push(Object.freeze({ id, ...global }))
  }
  return Object.freeze({
    applicationId,
    subtopologies: Object.freeze(subtopologies),
    globalStores: Object.freeze(globalStores),
    internalTopics: Object.freeze(neededTopics(blueprint, subtopologies)),
  })
}

/** Without the changelogs of stores that no processor is connected to. */
function neededTopics(
  { internalTopics, stores }: Blueprint,
  subtopologies: readonly Subtopology[],
): InternalTopic[] {
  const used = new Set(subtopologies.flatMap(part => part.stores))
  const unused = stores.filter(store => !used.has(store)).map(store => store.changelogTopic)
  return internalTopics.filter(({ name }) => !unused.includes(name))
}

function connectedParts(nodes: readonly TopologyNode[]): TopologyNode[][] {
  const connected = new UnionFind()
  for (const node of nodes) {
    if (node.kind === 'source') continue
    for (const parent of node.parents) connected.union(`node ${node.name}`, `node ${parent}`)
    if (node.kind === 'sink') continue
    for (const store of node.stores) connected.union(`node ${node.name}`, `store ${store}`)
  }
  const parts = Map.groupBy(nodes, node => connected.find(`node ${node.name}`))
  return [...parts.values()]
}

function subtopology(id: number, nodes: TopologyNode[], blueprint: Blueprint): Subtopology {
  const used = new Set(
    nodes.flatMap(node => (node.kind === 'processor' ? hashOrder(node.stores) : [])),
  )
  const byName = new Map(blueprint.stores.map(store => [store.name, store]))
  const topics = new Set(nodes.flatMap(node => (node.kind === 'source' ? node.topics : [])))
  // In the order in which their tables' updates go on at a commit: `InternalTopologyBuilder#build`.
  const stores: StoreDefinition[] = [...used].flatMap(name => byName.get(name) ?? [])
  return Object.freeze({
    id,
    nodes: Object.freeze(nodes),
    stores: Object.freeze(stores),
    copartitioned: Object.freeze(copartitioned(blueprint.copartitioned, topics)),
  })
}

/** Groups of this part; those that have a topic in common are one. */
function copartitioned(
  groups: readonly (readonly string[])[],
  topics: ReadonlySet<string>,
): (readonly string[])[] {
  const connected = new UnionFind()
  const own = groups.filter(group => group.some(topic => topics.has(topic)))
  for (const [first = '', ...rest] of own) {
    for (const topic of rest) connected.union(first, topic)
  }
  const all = [...new Set(own.flat())]
  return [...Map.groupBy(all, topic => connected.find(topic)).values()].filter(
    group => group.length > 1,
  )
}
