import { type Topology, type TopologyNode, topicsOfSink } from './topology.ts'

/**
 * The topology as a Mermaid flowchart: topics as rounded boxes, processors as boxes, stores as cylinders, a frame
 * around each sub-topology.
 *
 * @example
 * ```ts
 * import { defineApp, string, toMermaid } from 'millrace'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('seen', builder => {
 *   builder.stream('in', { ...text, name: 'read' }).foreach(() => {}, { name: 'see' })
 * })
 * toMermaid(app.compile()) // →
 * // flowchart TD
 * //   topic_in(["in"])
 * //   subgraph part0["Sub-topology 0"]
 * //     node_read["read"]
 * //     node_see["see"]
 * //   end
 * //   topic_in --> node_read
 * //   node_read --> node_see
 * ```
 */
export function toMermaid(topology: Topology): string {
  const parts = [
    ...topology.subtopologies.map(({ id, nodes }) => ({ id, title: `${id}`, nodes })),
    ...topology.globalStores.map(({ id, source, processor }) => ({
      id,
      title: `${id}: global store`,
      nodes: [source, processor],
    })),
  ].sort((one, two) => one.id - two.id)
  const frames = parts.flatMap(({ id, title, nodes }) => [
    `  subgraph part${id}["Sub-topology ${title}"]`,
    ...nodes.map(node => `    ${nodeId(node.name)}["${node.name}"]`),
    ...stores(nodes).map(store => `    ${storeId(store)}[("${store}")]`),
    '  end',
  ])
  const nodes = parts.flatMap(part => part.nodes)
  const topics = [...new Set(nodes.flatMap(topicsOf))]
  return [
    'flowchart TD',
    ...topics.map(topic => `  ${topicId(topic)}(["${topic}"])`),
    ...frames,
    ...nodes.flatMap(arrows),
    '',
  ].join('\n')
}

function arrows(node: TopologyNode): string[] {
  const id = nodeId(node.name)
  if (node.kind === 'source') return topicsOf(node).map(topic => `  ${topicId(topic)} --> ${id}`)
  const incoming = node.parents.map(parent => `  ${nodeId(parent)} --> ${id}`)
  if (node.kind === 'sink') {
    if (typeof node.topic === 'string') return [...incoming, `  ${id} --> ${topicId(node.topic)}`]
    return [...incoming, `  ${id} --> ${id}_topics(["chosen for each record"])`]
  }
  return [...incoming, ...node.stores.map(store => `  ${id} --- ${storeId(store)}`)]
}

function topicsOf(node: TopologyNode): readonly string[] {
  if (node.kind === 'source') {
    return node.pattern === undefined ? node.topics : [...node.topics, node.pattern.source]
  }
  return topicsOfSink(node)
}

function stores(nodes: readonly TopologyNode[]): string[] {
  return [...new Set(nodes.flatMap(node => (node.kind === 'processor' ? node.stores : [])))]
}

const nodeId = (name: string): string => `node_${identifier(name)}`
const storeId = (name: string): string => `store_${identifier(name)}`
const topicId = (name: string): string => `topic_${identifier(name)}`

/** Mermaid takes letters, digits and underscores; other characters become their code, so that names stay distinct. */
function identifier(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, char => `_${char.charCodeAt(0)}_`)
}
