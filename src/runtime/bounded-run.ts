import { isRepeatable } from '../client/errors.ts'
import type { LogClient, PartitionOffset, TopicPartition } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import type { Topology } from '../topology/topology.ts'
import { type PartitionPlan, partitionsOf, subtopologyTopics } from './partition-plan.ts'
import { stages, writtenTopics } from './stages.ts'

/** How long to wait for the next look at the group's commits: other instances may be doing the work. */
export const lookIntervalMs = 100

/**
 * Follows an application until it has consumed its input and says how far it is. The input of a bounded run is what the
 * topics from outside hold when it starts. Sub-topologies are taken in the order of the data: when everything that one
 * of them had to read is committed, all that it writes is in the log, and the ends of the topics it writes to are
 * what the next ones have to read.
 *
 * Progress is read from the group's committed offsets, so it does not matter which instances do the work. Resolves at
 * the end, or before it when `stopped` has become true.
 */
export async function reachEnd(options: {
  client: LogClient
  topology: Topology
  plan: PartitionPlan
  /** Resolves when this instance has something new, or after `timeoutMs`. */
  nextProgress: (timeoutMs: number) => Promise<void>
  stopped: () => boolean
  onProgress: (done: number, total: number) => void
}): Promise<void> {
  const { client, topology, plan, nextProgress, stopped, onProgress } = options
  const group = topology.applicationId
  const written = writtenTopics(topology)
  const order = stages(topology)
  const read = new Set(order.flatMap(subtopologyTopics))
  const outside = [...read].filter(topic => !written.has(topic))
  const outsideBounds = await bounds(
    client,
    group,
    outside.flatMap(topic => partitionsOf(topic, plan)),
  )
  const total = outsideBounds.reduce((sum, bound) => sum + bound.end - bound.start, 0)

  const remaining = async (open: readonly Bound[]): Promise<Bound[]> => {
    const positions = await positionsOf(client, group, open)
    return open.filter(bound => (positions.get(partitionName(bound)) ?? bound.start) < bound.end)
  }
  const report = async (): Promise<void> => {
    const positions = await positionsOf(client, group, outsideBounds)
    const done = outsideBounds.reduce((sum, bound) => {
      const position = positions.get(partitionName(bound)) ?? bound.start
      return sum + Math.min(position, bound.end) - bound.start
    }, 0)
    onProgress(done, total)
  }

  for (const stage of order) {
    const topics = subtopologyTopics(stage)
    const own = topics.filter(topic => written.has(topic))
    const external = outsideBounds.filter(bound => topics.includes(bound.topic))
    let open = [
      ...external,
      ...(await bounds(
        client,
        group,
        own.flatMap(topic => partitionsOf(topic, plan)),
      )),
    ]
    for (;;) {
      try {
        open = await remaining(open)
        await report()
      } catch (error) {
        // The instance has its own patience with a log that is away, and stops the run when that is over.
        if (!isRepeatable(error)) throw error
      }
      if (open.length === 0) break
      if (stopped()) return
      await nextProgress(lookIntervalMs)
    }
  }
}

interface Bound extends TopicPartition {
  /** What the group has committed, or where the partition begins. */
  readonly start: number
  readonly end: number
}

async function bounds(
  client: LogClient,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Bound[]> {
  if (partitions.length === 0) return []
  const [first, last, committed] = await Promise.all([
    client.listOffsets(partitions, 'earliest'),
    client.listOffsets(partitions, 'latest'),
    positionsOf(client, group, partitions),
  ])
  const ends = byPartition(last)
  return first.map(({ topic, partition, offset }) => {
    const key = partitionName({ topic, partition })
    const end = ends.get(key) ?? offset
    return { topic, partition, start: Math.min(committed.get(key) ?? offset, end), end }
  })
}

async function positionsOf(
  client: LogClient,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Map<string, number>> {
  return byPartition(await client.committedOffsets(group, partitions))
}

function byPartition(offsets: readonly PartitionOffset[]): Map<string, number> {
  return new Map(offsets.map(offset => [partitionName(offset), offset.offset]))
}
