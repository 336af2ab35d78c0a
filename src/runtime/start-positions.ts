import type { Isolation, LogClient, PartitionOffset, TopicPartition } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { OffsetReset, SourceNode, Subtopology } from '../topology/topology.ts'

/** Where a task goes on in one of its inputs. */
export interface StartPosition extends PartitionOffset {
  /** Metadata of the committed offset; empty when there is none. */
  readonly metadata: string
  /** End of what could be read of the partition when the position was looked up. */
  readonly end: number
  readonly reset: OffsetReset
  /** Whether the group does not know of the position: it is committed even if nothing is read. */
  readonly isNew: boolean
}

/** What looking up positions needs of a log. */
export type StartLog = Pick<LogClient, 'listOffsets' | 'committedOffsets'>

export interface StartPositionsOptions {
  readonly client: StartLog
  readonly group: string
  readonly partitions: readonly (TopicPartition & { readonly reset: OffsetReset })[]
  readonly isolation: Isolation | undefined
  /** Milliseconds since the Unix epoch. */
  readonly now: number
  readonly logger: Logger
}

/**
 * Positions at which the group has to go on: what it has committed, or where the source begins without that. A position that
 * has left the log (its records expired, or the topic was recreated) is as good as none, with a warning. Throws
 * OFFSET_OUT_OF_RANGE when the source says that nobody but its user may choose a position.
 */
export async function startPositions(options: StartPositionsOptions): Promise<StartPosition[]> {
  const { client, group, partitions, isolation, logger } = options
  // First of all: it waits for transactions that are about to commit offsets, and the ends move with them.
  const committed = await client.committedOffsets(group, partitions)
  const [earliest, latest, readable] = await Promise.all([
    client.listOffsets(partitions, 'earliest'),
    client.listOffsets(partitions, 'latest'),
    client.listOffsets(partitions, isolation === 'readCommitted' ? 'lastStable' : 'latest'),
  ])
  const positions: StartPosition[] = []
  for (const { topic, partition, reset } of partitions) {
    const start = find(earliest, topic, partition)?.offset ?? 0
    const last = find(latest, topic, partition)?.offset ?? start
    const end = find(readable, topic, partition)?.offset ?? last
    const found = find(committed, topic, partition)
    if (found !== undefined && found.offset >= start && found.offset <= last) {
      const { offset, metadata } = found
      positions.push({ topic, partition, offset, metadata, end, reset, isNew: false })
      continue
    }
    const bounds = { topic, partition, start, end }
    if (reset === 'none') throw noPosition(bounds, found?.offset)
    const offset = await resetOffset(reset, bounds, options)
    if (found !== undefined) {
      logger.warn(
        { group, topic, partition, committed: found.offset, earliest: start, latest: end },
        `The committed offset ${found.offset} of ${topic}-${partition} is not in the log any more: starting at ${offset}`,
      )
    }
    positions.push({ topic, partition, offset, metadata: '', end, reset, isNew: offset !== start })
  }
  return positions
}

/** How the source of a topic begins. */
export function offsetResetOf(topic: string, { nodes }: Subtopology): OffsetReset {
  const reads = (node: Subtopology['nodes'][number]): node is SourceNode =>
    node.kind === 'source' && node.topics.includes(topic)
  return nodes.find(reads)?.offsetReset ?? 'earliest'
}

/** `committed` is undefined when there never was an offset. */
export function noPosition(
  { topic, partition, start, end }: Bounds,
  committed: number | undefined,
): MillraceError {
  const why =
    committed === undefined
      ? 'The application has committed no offset for'
      : `The offset ${committed} is not in the log of`
  const what = `${why} ${partitionName({ topic, partition })}, which begins at ${start} and ends at ${end}`
  return new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `${what}, and its source has offsetReset 'none'. Set the offset of the group, or choose another offsetReset.`,
  )
}

interface Bounds extends TopicPartition {
  readonly start: number
  readonly end: number
}

async function resetOffset(
  reset: Exclude<OffsetReset, 'none'>,
  { topic, partition, start, end }: Bounds,
  { client, now }: StartPositionsOptions,
): Promise<number> {
  if (reset === 'earliest') return start
  if (reset === 'latest') return end
  const [found] = await client.listOffsets([{ topic, partition }], Math.max(0, now - reset.agoMs))
  return found === undefined || found.offset < 0 ? end : found.offset
}

function find<T extends TopicPartition>(
  offsets: readonly T[],
  topic: string,
  partition: number,
): T | undefined {
  return offsets.find(offset => offset.topic === topic && offset.partition === partition)
}
