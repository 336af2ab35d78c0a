import { type LogicalGraph, ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import type { NodeNames, RepartitionNames } from './rule.ts'

/**
 * Gives every node its names. Generated names carry a number of ten digits from one counter for nodes and stores, as in
 * Kafka Streams' `InternalStreamsBuilder`; a node with a given name uses up its number all the same, a store with a
 * given name does not. So an application that moves over from Kafka Streams finds its internal topics.
 */
export function nameNodes(graph: LogicalGraph): NamesOfNodes {
  const counter = new Counter()
  const names = new Map<NodeId, NodeNames>()
  const changedKeys = new Set<NodeId>()
  for (const node of graph.nodes) {
    const rule = ruleOf(node)
    const changed = node.parents.some(parent => changedKeys.has(parent))
    if (rule.key === 'changed' || (rule.key === 'kept' && changed)) changedKeys.add(node.id)
    names.set(node.id, rule.names(node, counterFor(node.parents)))
  }
  return { names, generated: counter.generated }

  function counterFor(parents: readonly NodeId[]): NameCounter {
    return {
      generate: prefix => counter.generate(prefix),
      skip: () => void counter.next(''),
      parentName: parent => names.get(parents[parent] ?? -1)?.name ?? '',
      name: (given, prefix) => {
        if (given === undefined) return counter.generate(prefix)
        counter.next(prefix)
        return given
      },
      repartition: (parent, prefix) => {
        const id = parents[parent]
        if (id === undefined || !changedKeys.has(id)) return []
        return [{ parent, ...counter.repartition(prefix ?? names.get(id)?.name ?? '') }]
      },
      repartitionTopic: prefix => counter.repartition(prefix),
    }
  }
}

export interface NamesOfNodes {
  readonly names: ReadonlyMap<NodeId, NodeNames>
  /** Names that nobody gave; others may begin with them. */
  readonly generated: ReadonlySet<string>
}

export interface NameCounter {
  /** A generated name. */
  generate(prefix: string): string
  /** Uses up a number for a name that Kafka Streams once gave and no longer needs. */
  skip(): void
  /** The name of a parent, for a node that is called after it. */
  parentName(parent: number): string
  /** The given name, or a generated one; both use up a number. */
  name(given: string | undefined, prefix: string): string
  /**
   * Names of the repartition of a parent, none if the parent's keys are in their right partitions. The topic is called
   * after `prefix`, by default after the parent.
   */
  repartition(parent: number, prefix: string | undefined): RepartitionNames[]
  /** Names of a repartition topic that the user asked for. */
  repartitionTopic(prefix: string): StreamRepartitionNames
}

type StreamRepartitionNames = Required<Omit<RepartitionNames, 'parent'>>

class Counter {
  readonly generated = new Set<string>()
  #next = 0

  generate(prefix: string): string {
    const name = this.next(prefix)
    this.generated.add(name)
    return name
  }

  next(prefix: string): string {
    return `${prefix}${String(this.#next++).padStart(10, '0')}`
  }

  /** Generated prefixes give generated node names, given ones name their nodes. `KStreamImpl#createRepartitionedSource`. */
  repartition(prefix: string): StreamRepartitionNames {
    const topic = prefix.endsWith('-repartition') ? prefix : `${prefix}-repartition`
    const sink = this.next('KSTREAM-SINK-')
    const filter = this.next('KSTREAM-FILTER-')
    const source = this.next('KSTREAM-SOURCE-')
    if (/^KSTREAM.*-[0-9]{10}$/.test(prefix)) return { topic, sink, filter, source }
    return { topic, sink: `${topic}-sink`, filter: `${topic}-filter`, source: `${topic}-source` }
  }
}
