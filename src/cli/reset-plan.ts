import type { LogClient, PartitionOffset, TopicDescription } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { MillraceError } from '../errors.ts'
import { readsTopic, type SourceNode, type Topology, topicsOfSink } from '../topology/topology.ts'
import { chosenOffset, type OffsetChoice } from './offset-choice.ts'

/** What a reset changes in the cluster. */
export interface ResetPlan {
  /** Offsets of the topics that the application reads, with what is committed now. */
  readonly offsets: readonly (PartitionOffset & { readonly before: number | undefined })[]
  /** Where it has read its repartition topics, before they are deleted: from the beginning, when they are there again. */
  readonly repartitions: readonly PartitionOffset[]
  readonly deletedTopics: readonly string[]
  /** Topics that look as if earlier versions of the application had made them, and stay. */
  readonly otherTopics: readonly string[]
}

/**
 * Plans what makes an application start over. Topics that it both writes and reads go to their end, because all that it
 * writes there comes anew (Kafka's reset tool has them named as intermediate topics); internal topics are deleted. Throws
 * INVALID_CONFIG when the choice names a partition that the application does not read.
 */
export async function planReset(
  topology: Topology,
  choice: OffsetChoice,
  client: LogClient,
): Promise<ResetPlan> {
  const topics = await client.describeTopics()
  const internal = new Map(topology.internalTopics.map(topic => [topic.name, topic]))
  const nodes = topology.subtopologies.flatMap(subtopology => subtopology.nodes)
  const sources = nodes.filter(node => node.kind === 'source')
  const written = new Set(nodes.flatMap(topicsOfSink))
  const read = [...topics.values()].filter(
    ({ name }) => !internal.has(name) && isRead(name, sources),
  )
  const deleted = [...topics.values()].filter(({ name }) => internal.has(name))
  const chosen = read.filter(({ name }) => !written.has(name))
  const intermediate = read.filter(({ name }) => written.has(name))
  checkFile(choice, chosen)
  const group = topology.applicationId
  return {
    offsets: [
      ...(await offsetsOf(chosen, choice, group, client)),
      ...(await offsetsOf(intermediate, { kind: 'latest' }, group, client)),
    ],
    repartitions: deleted
      .filter(({ name }) => internal.get(name)?.kind === 'repartition')
      .flatMap(partitionsOf)
      .map(partition => ({ ...partition, offset: 0 })),
    deletedTopics: deleted.map(({ name }) => name),
    otherTopics: [...topics.keys()].filter(
      name => !internal.has(name) && looksInternal(name, group) && !written.has(name),
    ),
  }
}

const isRead = (topic: string, sources: readonly SourceNode[]): boolean =>
  sources.some(source => readsTopic(source, topic))

const looksInternal = (topic: string, applicationId: string): boolean =>
  topic.startsWith(`${applicationId}-`) && /-(changelog|repartition)$/.test(topic)

const partitionsOf = ({ name, partitions }: TopicDescription): PartitionOffset[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: 0 }))

async function offsetsOf(
  topics: readonly TopicDescription[],
  choice: OffsetChoice,
  group: string,
  client: LogClient,
): Promise<ResetPlan['offsets'][number][]> {
  const partitions = topics.flatMap(partitionsOf)
  if (partitions.length === 0) return []
  const [starts, ends, committed, found] = await Promise.all([
    client.listOffsets(partitions, 'earliest'),
    client.listOffsets(partitions, 'latest'),
    client.committedOffsets(group, partitions),
    choice.kind === 'time' ? client.listOffsets(partitions, choice.timestampMs) : [],
  ])
  const [endOf, committedOf, foundOf] = [ends, committed, found].map(byPartition)
  return starts.flatMap(({ topic, partition, offset: start }) => {
    const name = partitionName({ topic, partition })
    const at = foundOf?.get(name)
    const before = committedOf?.get(name)
    const offset = chosenOffset(choice, {
      topic,
      partition,
      start,
      end: endOf?.get(name) ?? start,
      committed: before,
      // The log's answer where no record is as late.
      atTime: at === -1 ? undefined : at,
    })
    return offset === undefined ? [] : [{ topic, partition, offset, before }]
  })
}

const byPartition = (offsets: readonly PartitionOffset[]): Map<string, number> =>
  new Map(offsets.map(each => [partitionName(each), each.offset]))

function checkFile(choice: OffsetChoice, topics: readonly TopicDescription[]): void {
  if (choice.kind !== 'file') return
  const known = new Set(topics.flatMap(partitionsOf).map(partitionName))
  const unknown = [...choice.offsets.keys()].filter(name => !known.has(name))
  if (unknown.length === 0) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `--from-file names ${unknown.join(', ')}, and the application reads no such partition.`,
  )
}
