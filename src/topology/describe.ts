import { type NodeOrder, orderForDescription } from './describe/order.ts'
import { hashOrder } from './describe/hash-order.ts'
import type { GlobalStore, Subtopology, Topology, TopologyNode } from './topology.ts'

/**
 * The topology as text, equal to what Java's `Topology#describe` prints, so that tools that draw it can read it. Names
 * of internal topics stand without the application id, as there.
 *
 * @example
 * ```ts
 * import { defineApp, describe, string } from 'millrace'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('copy', builder => builder.stream('in', text).filter(Boolean).to('out'))
 * describe(app.compile()) // →
 * // Topologies:
 * //    Sub-topology: 0
 * //     Source: KSTREAM-SOURCE-0000000000 (topics: [in])
 * //       --> KSTREAM-FILTER-0000000001
 * //     Processor: KSTREAM-FILTER-0000000001 (stores: [])
 * //       --> KSTREAM-SINK-0000000002
 * //       <-- KSTREAM-SOURCE-0000000000
 * //     Sink: KSTREAM-SINK-0000000002 (topic: out)
 * //       <-- KSTREAM-FILTER-0000000001
 * ```
 */
export function describe(topology: Topology): string {
  const internal = new Map(
    topology.internalTopics.map(({ name }) => [
      name,
      name.slice(topology.applicationId.length + 1),
    ]),
  )
  const shortName = (topic: string): string => internal.get(topic) ?? topic
  const parts = [
    ...topology.subtopologies.map(part => ({
      id: part.id,
      text: subtopologyText(part, shortName),
    })),
    ...topology.globalStores.map(global => ({ id: global.id, text: globalStoreText(global) })),
  ].sort((one, two) => one.id - two.id)
  return `Topologies:\n ${parts.map(({ text }) => `  ${text}`).join('')}`
}

function subtopologyText({ id, nodes }: Subtopology, shortName: (topic: string) => string): string {
  const order = orderForDescription(nodes)
  const lines = order.nodes.map(node => `    ${nodeText(node, order, shortName)}\n`)
  return `Sub-topology: ${id}\n${lines.join('')}\n`
}

function globalStoreText({ id, source, processor }: GlobalStore): string {
  const order = orderForDescription([source, processor])
  const lines = order.nodes.map(node => `    ${nodeText(node, order, topic => topic)}\n`)
  return `Sub-topology: ${id} for global store (will not generate tasks)\n${lines.join('')}`
}

function nodeText(
  node: TopologyNode,
  order: NodeOrder,
  shortName: (topic: string) => string,
): string {
  const children = `\n      --> ${names(order.childrenOf(node))}`
  const parents = `\n      <-- ${names(order.parentsOf(node))}`
  if (node.kind === 'source') {
    const topics = hashOrder(node.topics.map(shortName)).join(', ')
    return `Source: ${node.name} (topics: [${topics}])${children}`
  }
  if (node.kind === 'processor') {
    const stores = hashOrder(node.stores).join(', ')
    return `Processor: ${node.name} (stores: [${stores}])${children}${parents}`
  }
  return `Sink: ${node.name} (topic: ${shortName(node.topic)})${parents}`
}

function names(nodes: readonly TopologyNode[]): string {
  return nodes.length === 0 ? 'none' : nodes.map(({ name }) => name).join(', ')
}
