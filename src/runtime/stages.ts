import { type Subtopology, topicsOfSink, type Topology } from '../topology/topology.ts'
import { subtopologyTopics } from './partition-plan.ts'

/**
 * The sub-topologies in the order in which a bounded run drains them: writers of a topic before its readers. Those in a
 * cycle come in the order of their numbers, after what feeds them.
 *
 * A table joined with what was grouped from it makes a cycle of sub-topologies, though none of records: each repartition
 * topic that leads back in the order is passed at most once. So the whole order comes once more for each of them.
 */
export function stages(topology: Topology): Subtopology[] {
  const ordered: Subtopology[] = []
  const open = new Set(topology.subtopologies)
  while (open.size > 0) {
    const remaining = [...open]
    const ready = remaining.filter(
      reader => !remaining.some(writer => writer !== reader && feeds(writer, reader)),
    )
    for (const next of ready.length > 0 ? ready : remaining.slice(0, 1)) {
      ordered.push(next)
      open.delete(next)
    }
  }
  const rounds = 1 + repartitionsBack(topology, ordered)
  return Array.from({ length: rounds }, () => ordered).flat()
}

/** How many repartition topics are written where they are read, or after it in this order. */
function repartitionsBack({ internalTopics }: Topology, order: readonly Subtopology[]): number {
  const leadsBack = (topic: string): boolean => {
    const reader = order.findIndex(part => subtopologyTopics(part).includes(topic))
    const writer = order.findLastIndex(part => sinkTopics(part).includes(topic))
    return reader !== -1 && reader <= writer
  }
  return internalTopics.filter(({ kind, name }) => kind === 'repartition' && leadsBack(name)).length
}

/** Topics that the topology writes itself: their end is known only when their writers have finished. */
export function writtenTopics(topology: Topology): Set<string> {
  return new Set(topology.subtopologies.flatMap(sinkTopics))
}

function feeds(writer: Subtopology, reader: Subtopology): boolean {
  const written = sinkTopics(writer)
  return subtopologyTopics(reader).some(topic => written.includes(topic))
}

function sinkTopics({ nodes }: Subtopology): string[] {
  return nodes.flatMap(topicsOfSink)
}
