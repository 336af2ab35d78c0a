import { MillraceError } from '../../errors.ts'
import { topicNameProblem } from '../../protocol/topic-name.ts'
import { matchesWhole, topicsOfSink } from '../topology.ts'
import type { Blueprint, Plan } from './emission.ts'

/** Names become parts of topic names, so they must be legal there. `Named#validate`. Throws INVALID_TOPOLOGY. */
export function checkNames({ applicationId, nodes, names }: Plan): void {
  checkName(applicationId)
  for (const id of nodes.keys()) {
    const { repartitions = [], ...own } = names.get(id) ?? {}
    namesIn(own).forEach(checkName)
    for (const { topic } of repartitions) checkName(topic)
  }
}

const namesIn = (names: string | object): string[] =>
  typeof names === 'string' ? [names] : Object.values(names).flatMap(namesIn)

/** Throws INVALID_TOPOLOGY when a name cannot become part of the name of a topic. */
export function checkName(name: string): void {
  const problem = topicNameProblem(name)
  if (problem === null) return
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `The name ${JSON.stringify(name)}, which may become part of the name of a topic, ${problem}`,
  )
}

/** All topics, internal ones too, have names that a topic may have. `Topic#validate`. Throws INVALID_TOPOLOGY. */
export function checkTopics({ nodes, internalTopics }: Blueprint): void {
  for (const node of nodes) {
    if (node.kind === 'source' && node.pattern === undefined && node.topics.length === 0) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `${node.name} reads no topic. Give stream() at least one.`,
      )
    }
    if (node.kind === 'source') node.topics.forEach(checkTopic)
    topicsOfSink(node).forEach(checkTopic)
  }
  for (const { name } of internalTopics) checkTopic(name)
}

function checkTopic(topic: string): void {
  const problem = topicNameProblem(topic)
  if (problem === null) return
  throw new MillraceError('INVALID_TOPOLOGY', `The topic ${JSON.stringify(topic)} ${problem}`)
}

/** Nodes, stores and the topics of sources exist once. Throws INVALID_TOPOLOGY. */
export function checkUnique({ nodes, stores, globalStores }: Blueprint): void {
  const sources = nodes.filter(node => node.kind === 'source')
  once(
    nodes.map(node => node.name),
    name => sameName(name),
  )
  once(
    [...stores, ...[...globalStores.values()].map(global => global.store)].map(({ name }) => name),
    name => `Two stores are called ${name}. Give one of them another name.`,
  )
  once(
    sources.flatMap(node => node.topics),
    topic =>
      `The topic ${topic} is read by two sources. Read it once, and use the handle for both; a table of a stream is ` +
      'stream(…).toTable(), the stream of a table table(…).toStream().',
  )
}

function sameName(name: string): string {
  const [, topic] = /^(.*-repartition)-(?:filter|sink|source)$/.exec(name) ?? []
  if (topic === undefined) return `Two nodes are called ${name}. Give one of them another name.`
  return (
    `Two repartition topics are called ${topic}. Give each grouping and each join that needs one a name of its own: ` +
    'groupBy(…, { name: … }).'
  )
}

/** No pattern takes a topic that another source reads. Throws INVALID_TOPOLOGY. */
export function checkPatterns({ nodes, internalTopics }: Blueprint): void {
  const internal = new Set(internalTopics.map(({ name }) => name))
  const sources = nodes.filter(node => node.kind === 'source')
  for (const { name, pattern } of sources) {
    if (pattern === undefined) continue
    for (const other of sources) {
      const topic = other.topics.find(each => !internal.has(each) && matchesWhole(pattern, each))
      if (topic === undefined) continue
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The pattern ${String(pattern)} of ${name} matches the topic ${topic}, which ${other.name} reads. Make the pattern narrower.`,
      )
    }
  }
}

/** Processors are connected to stores that exist and are theirs to write. Throws INVALID_TOPOLOGY. */
export function checkStores({ nodes, stores, globalStores }: Blueprint): void {
  const own = new Set(stores.map(({ name }) => name))
  const global = new Set([...globalStores.values()].map(({ store }) => store.name))
  for (const node of nodes) {
    if (node.kind !== 'processor' || globalStores.has(node.parents[0] ?? '')) continue
    for (const store of node.stores) {
      if (own.has(store)) continue
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        global.has(store)
          ? `${node.name} names the global store ${store}. Every processor can read it: leave the name out.`
          : `${node.name} is to be connected to the store ${store}, which the topology does not have. Add it with addStateStore, or give the definition in place of the name.`,
      )
    }
  }
}

function once(names: readonly string[], sentence: (name: string) => string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new MillraceError('INVALID_TOPOLOGY', sentence(name))
    seen.add(name)
  }
}
