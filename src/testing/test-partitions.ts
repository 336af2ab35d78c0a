import { type PartitionPlan, planPartitions } from '../runtime/partition-plan.ts'
import { resolvePatterns } from '../runtime/planned-topology.ts'
import { externalTopics, topicsOfSink, type Topology } from '../topology/topology.ts'

/** Partitions of each topic that a topology reads or writes; or by name, one where nothing is said. */
export type TestPartitions = number | Readonly<Record<string, number>>

/** A topology over topics that are there, with the tasks that it has then. */
export interface PartitionedTopology {
  /** Its patterns stand for topics that were named. */
  readonly topology: Topology
  readonly plan: PartitionPlan
  /** Of any topic. */
  readonly partitions: (topic: string) => number
}

/** Throws WRONG_PARTITIONS when topics that must be partitioned alike are not. */
export function partitionTopology(built: Topology, given: TestPartitions): PartitionedTopology {
  const named = typeof given === 'number' ? [] : Object.keys(given)
  const topology = resolvePatterns(built, named)
  const before = (topic: string): number =>
    typeof given === 'number' ? given : (given[topic] ?? 1)
  const sinks = topology.subtopologies.flatMap(({ nodes }) => nodes.flatMap(topicsOfSink))
  const internal = new Set(topology.internalTopics.map(({ name }) => name))
  const external = [...externalTopics(topology), ...sinks].filter(name => !internal.has(name))
  const plan = planPartitions(topology, new Map(external.map(topic => [topic, before(topic)])))
  return { topology, plan, partitions: topic => plan.counts.get(topic) ?? before(topic) }
}
