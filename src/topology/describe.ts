import { hashOrder } from './describe/hash-order.ts'
import { type NodeDescription, describeTopology } from './topology-description.ts'
import type { Topology } from './topology.ts'

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
  const { applicationId, subtopologies, globalStores, internalTopics } = describeTopology(topology)
  const internal = new Set(internalTopics.map(({ name }) => name))
  const shortName = (topic: string): string =>
    internal.has(topic) ? topic.slice(applicationId.length + 1) : topic
  const lines = (nodes: readonly NodeDescription[]): string =>
    nodes.map(node => `    ${nodeText(node, shortName)}\n`).join('')
  const parts = [
    ...subtopologies.map(({ id, nodes }) => ({
      id,
      text: `Sub-topology: ${id}\n${lines(nodes)}\n`,
    })),
    ...globalStores.map(({ id, nodes }) => ({
      id,
      text: `Sub-topology: ${id} for global store (will not generate tasks)\n${lines(nodes)}`,
    })),
  ].sort((one, two) => one.id - two.id)
  return `Topologies:\n ${parts.map(({ text }) => `  ${text}`).join('')}`
}

function nodeText(node: NodeDescription, shortName: (topic: string) => string): string {
  const children = node.kind === 'sink' ? '' : `\n      --> ${list(node.successors)}`
  const parents = node.kind === 'source' ? '' : `\n      <-- ${list(node.predecessors)}`
  switch (node.kind) {
    case 'source': {
      const topics = hashOrder(node.topics.map(shortName)).join(', ')
      return `Source: ${node.name} (topics: ${node.pattern ?? `[${topics}]`})${children}`
    }
    case 'processor': {
      const stores = hashOrder(node.stores).join(', ')
      return `Processor: ${node.name} (stores: [${stores}])${children}${parents}`
    }
    case 'sink':
      // Java names the class of the extractor.
      return node.topic === null
        ? `Sink: ${node.name} (extractor class: ...)${parents}`
        : `Sink: ${node.name} (topic: ${shortName(node.topic)})${parents}`
    default:
      return node satisfies never
  }
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))
