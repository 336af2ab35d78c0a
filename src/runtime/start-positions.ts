import type { LogClient, PartitionOffset, TopicPartition } from '../client/log-client.ts'
import type { Logger } from '../logger.ts'

/** Where a task goes on in one of its inputs. */
export interface StartPosition extends PartitionOffset {
  /** Metadata of the committed offset; empty when there is none. */
  readonly metadata: string
  /** End of the partition when the position was looked up. */
  readonly end: number
}

/**
 * Positions at which the group has to go on: what it has committed, or the beginning of the partition. A position that
 * has left the log (its records expired, or the topic was recreated) begins anew at the earliest record, with a warning;
 * that is Kafka Streams' default, `auto.offset.reset` earliest.
 */
export async function startPositions(
  client: LogClient,
  group: string,
  partitions: readonly TopicPartition[],
  logger: Logger,
): Promise<StartPosition[]> {
  const [earliest, latest, committed] = await Promise.all([
    client.listOffsets(partitions, 'earliest'),
    client.listOffsets(partitions, 'latest'),
    client.committedOffsets(group, partitions),
  ])
  return partitions.map(({ topic, partition }) => {
    const start = find(earliest, topic, partition)?.offset ?? 0
    const end = find(latest, topic, partition)?.offset ?? start
    const { offset = start, metadata = '' } = find(committed, topic, partition) ?? {}
    if (offset >= start && offset <= end) return { topic, partition, offset, metadata, end }
    logger.warn(
      { group, topic, partition, committed: offset, earliest: start, latest: end },
      `The committed offset ${offset} of ${topic}-${partition} is not in the log any more: starting at ${start}`,
    )
    return { topic, partition, offset: start, metadata: '', end }
  })
}

function find<T extends TopicPartition>(
  offsets: readonly T[],
  topic: string,
  partition: number,
): T | undefined {
  return offsets.find(offset => offset.topic === topic && offset.partition === partition)
}
