/** The topics that the broker keeps its own state in: made when they are first needed, read by clients, written by none. */
import { consumerOffsetsTopic, transactionStateTopic } from '../protocol/internal-topics.ts'
import type { BrokerConfig } from './config.ts'
import type { NewTopicSpec } from './topics.ts'

export type InternalTopic = typeof consumerOffsetsTopic | typeof transactionStateTopic

/** Room for the record of a group with many members, each with a large subscription, or of a very wide transaction. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024

export function isInternalTopic(name: string): name is InternalTopic {
  return name === consumerOffsetsTopic || name === transactionStateTopic
}

export function internalTopicSpec(name: InternalTopic, config: BrokerConfig): NewTopicSpec {
  const isOffsets = name === consumerOffsetsTopic
  const segmentBytes = isOffsets
    ? config.offsetsTopicSegmentBytes
    : config.transactionStateLogSegmentBytes
  return {
    name,
    partitions: isOffsets
      ? config.offsetsTopicNumPartitions
      : config.transactionStateLogNumPartitions,
    configs: new Map([
      ['cleanup.policy', 'compact'],
      ['max.message.bytes', String(MAX_MESSAGE_BYTES)],
      ['segment.bytes', String(segmentBytes)],
    ]),
  }
}
