import type { TopicPartition } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import { crc32c } from '../protocol/crc32c.ts'
import type { SourceNode, Subtopology, Topology } from '../topology/topology.ts'
import { changelogsOf } from './changelogs.ts'

/** How many partitions each topic of a topology has or must get, and the tasks that follow from it. */
export interface PartitionPlan {
  /** Partition counts of all source, internal and existing output topics. */
  readonly counts: ReadonlyMap<string, number>
  /** All tasks of the application, by sub-topology and partition. */
  readonly tasks: readonly PlannedTask[]
}

/** One instance of a sub-topology: it reads the same partition of each of its topics. */
export interface PlannedTask {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly subtopology: Subtopology
  readonly partition: number
  /** Those source topics that have the partition. */
  readonly topics: readonly string[]
}

/**
 * Works out the partition counts of internal topics and the tasks from the counts of the topics that exist. Pure.
 * Kafka Streams' `RepartitionTopics`, `CopartitionedTopicsEnforcer` and `PartitionGrouper`.
 *
 * Throws MISSING_TOPIC when a source topic does not exist and WRONG_PARTITIONS when topics that are joined differ.
 */
export function planPartitions(
  topology: Topology,
  existing: ReadonlyMap<string, number>,
): PartitionPlan {
  const repartition = repartitionTopics(topology)
  const counts = new Map(existing)
  for (const topic of repartition.keys()) counts.delete(topic)
  requireSources(topology, counts, repartition)
  countRepartitionTopics(topology, counts, repartition)
  for (const subtopology of topology.subtopologies) {
    for (const group of subtopology.copartitioned) copartition(group, counts, repartition)
  }
  const tasks = planTasks(topology, counts)
  countChangelogs(topology, counts, tasks)
  return { counts, tasks }
}

/** The task of that id, as the leader of the group named it. Throws INVALID_TOPOLOGY when there is none. */
export function plannedTask(id: string, { tasks }: PartitionPlan): PlannedTask {
  const planned = tasks.find(task => task.id === id)
  if (planned !== undefined) return planned
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `The leader of the group gave this instance the task ${id}, which its topology does not have. Run the same ` +
      `version of the application in all instances.`,
  )
}

/**
 * Equal for instances that have the same tasks, which read the same and have the same state: what one of them shares out, the
 * others can run.
 */
export function planDigest({ tasks }: PartitionPlan): string {
  const shape = tasks.map(task => [task.id, task.topics, changelogsOf(task)])
  return crc32c(Buffer.from(JSON.stringify(shape))).toString(16)
}

/** Whether a task reads just the topics that the plan says. */
export function readsAsPlanned(
  task: { readonly taskId: string; readonly inputs: readonly TopicPartition[] },
  { tasks }: PartitionPlan,
): boolean {
  const planned = tasks.find(({ id }) => id === task.taskId)?.topics ?? []
  const read = new Set(task.inputs.map(({ topic }) => topic))
  return planned.length === read.size && planned.every(topic => read.has(topic))
}

/** All partitions of a topic, none when the plan does not know it. */
export function partitionsOf(topic: string, { counts }: PartitionPlan): TopicPartition[] {
  return Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition }))
}

/** The topics that the sub-topology reads, without doubles. */
export function subtopologyTopics(subtopology: Subtopology): string[] {
  return [...new Set(sourceNodes(subtopology).flatMap(source => source.topics))]
}

/** Names of the repartition topics with their fixed number of partitions, if they have one. */
function repartitionTopics(topology: Topology): Map<string, number | undefined> {
  const topics = topology.internalTopics.filter(topic => topic.kind === 'repartition')
  return new Map(topics.map(topic => [topic.name, topic.partitions]))
}

function sourceNodes(subtopology: Subtopology): SourceNode[] {
  return subtopology.nodes.filter(node => node.kind === 'source')
}

function requireSources(
  topology: Topology,
  counts: ReadonlyMap<string, number>,
  repartition: ReadonlyMap<string, unknown>,
): void {
  const sources = topology.subtopologies.flatMap(sourceNodes)
  for (const source of [...sources, ...topology.globalStores.map(global => global.source)]) {
    if (source.pattern !== undefined && source.topics.length === 0) {
      throw new MillraceError(
        'MISSING_TOPIC',
        `No topic matches ${String(source.pattern)}, which ${topology.applicationId} reads in ${source.name}. Create one ` +
          'and start again; more can follow while the application runs.',
      )
    }
    for (const topic of source.topics) {
      if (counts.has(topic) || repartition.has(topic)) continue
      throw new MillraceError(
        'MISSING_TOPIC',
        `The topic '${topic}', which ${topology.applicationId} reads in ${source.name}, does not exist. ` +
          `Create it with any Kafka tool and start again, such as: ` +
          `millrace topics create ${topic} --partitions 4 --brokers …`,
      )
    }
  }
}

/**
 * The largest count among the sources upstream; those may be repartition topics themselves, so it goes round. Topics in a
 * circle (a table joined with what was grouped from it) wait for each other; then the counts that are known decide.
 */
function countRepartitionTopics(
  topology: Topology,
  counts: Map<string, number>,
  repartition: ReadonlyMap<string, number | undefined>,
): void {
  const open = new Set<string>()
  for (const [topic, fixed] of repartition) {
    if (fixed === undefined) open.add(topic)
    else counts.set(topic, fixed)
  }
  while (open.size > 0) {
    const before = open.size
    for (const topic of open) {
      const upstream = upstreamCounts(topic, topology, counts)
      if (upstream.length > 0 && !upstream.includes(undefined)) settle(topic, upstream)
    }
    if (open.size < before) continue
    const known = [...open].find(topic => isKnown(upstreamCounts(topic, topology, counts)))
    if (known === undefined) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `Nothing says how many partitions these repartition topics must have: ${[...open].join(', ')}. They feed ` +
          `each other, or nothing writes to them. Give one of them a number of partitions.`,
      )
    }
    settle(known, upstreamCounts(known, topology, counts))
  }

  function settle(topic: string, upstream: readonly (number | undefined)[]): void {
    counts.set(topic, Math.max(...upstream.map(count => count ?? 0)))
    open.delete(topic)
  }
}

const isKnown = (upstream: readonly (number | undefined)[]): boolean =>
  upstream.some(count => count !== undefined)

/** Of all topics that are read where the topic is written; undefined for those that are not known yet. */
function upstreamCounts(
  topic: string,
  topology: Topology,
  counts: ReadonlyMap<string, number>,
): (number | undefined)[] {
  const writers = topology.subtopologies.filter(({ nodes }) =>
    nodes.some(node => node.kind === 'sink' && node.topic === topic),
  )
  return writers.flatMap(subtopologyTopics).map(source => counts.get(source))
}

/** Topics of one join must have equal counts: repartition topics follow the others, which cannot change. */
function copartition(
  group: readonly string[],
  counts: Map<string, number>,
  repartition: ReadonlyMap<string, number | undefined>,
): void {
  const free = group.filter(topic => repartition.has(topic) && repartition.get(topic) === undefined)
  const bound = group.filter(topic => !free.includes(topic))
  const fixed = new Set(bound.map(topic => counts.get(topic) ?? 0))
  if (fixed.size > 1) {
    const list = bound.map(topic => `${topic} (${counts.get(topic) ?? 0})`).join(', ')
    throw new MillraceError(
      'WRONG_PARTITIONS',
      `These topics are joined and must have the same number of partitions: ${list}. Put repartition() in front of ` +
        `the join on one side, or recreate one of the topics.`,
    )
  }
  const [only] = fixed
  const count = only ?? Math.max(...group.map(topic => counts.get(topic) ?? 0))
  for (const topic of free) counts.set(topic, count)
}

function planTasks(topology: Topology, counts: ReadonlyMap<string, number>): PlannedTask[] {
  return topology.subtopologies.flatMap(subtopology => {
    const topics = subtopologyTopics(subtopology)
    const size = Math.max(0, ...topics.map(topic => counts.get(topic) ?? 0))
    return Array.from({ length: size }, (_, partition) => ({
      id: `${subtopology.id}_${partition}`,
      subtopology,
      partition,
      topics: topics.filter(topic => partition < (counts.get(topic) ?? 0)),
    }))
  })
}

function countChangelogs(
  topology: Topology,
  counts: Map<string, number>,
  tasks: readonly PlannedTask[],
): void {
  for (const { id, stores } of topology.subtopologies) {
    const size = tasks.filter(task => task.subtopology.id === id).length
    for (const { changelogTopic } of stores) {
      // A table whose source topic serves as its changelog keeps the count of that topic.
      const internal = topology.internalTopics.find(topic => topic.name === changelogTopic)
      if (internal !== undefined) counts.set(internal.name, size)
    }
  }
}
