import type { Subtopology, Topology } from '../topology/topology.ts'
import { subtopologyTopics } from './partition-plan.ts'

/**
 * The sub-topologies in the order in which a bounded run drains them: writers of a topic before its readers. Those in a
 * cycle come in the order of their numbers, after what feeds them.
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
  return ordered
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
  return nodes.flatMap(node => (node.kind === 'sink' ? [node.topic] : []))
}
