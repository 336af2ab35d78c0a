import { MillraceError } from '../errors.ts'
import type { Serde } from '../serde/serde.ts'
import type { Processor } from '../topology/processor.ts'
import type { SinkNode } from '../topology/topology.ts'
import type { TopicCollector } from './record-collector.ts'

/** The processor of a sink: serializes and hands over. Kafka Streams' `SinkNode` and `RecordCollectorImpl.send`. */
export function sinkProcessor(node: SinkNode, topic: TopicCollector): Processor {
  const { partitioner } = node
  return {
    process({ key, value, timestamp, headers }) {
      topic.append(
        partitioner === undefined ? null : choosePartition(node, topic, key, value),
        key === null ? null : serialize(node, 'key', node.key, key),
        value === null ? null : serialize(node, 'value', node.value, value),
        timestamp,
        headers,
      )
    },
  }
}

function choosePartition(
  node: SinkNode,
  { partitions }: TopicCollector,
  key: unknown,
  value: unknown,
): number | null {
  const partition = node.partitioner?.(key, value, partitions) ?? null
  if (partition === null) return null
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return partition
  throw new MillraceError(
    'PROCESSING_ERROR',
    `The partitioner of ${node.name} returned ${partition} for topic ${node.topic}, which has the partitions 0 to ${partitions - 1}. Return one of these.`,
  )
}

function serialize(node: SinkNode, part: string, serde: Serde<unknown>, data: unknown): Buffer {
  try {
    return serde.serialize(data)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MillraceError(
      'SERDE_ERROR',
      `The ${part} of a record for topic ${node.topic} could not be written by the serde ${serde.name} of ${node.name}: ${reason}. Give the sink a serde for what the stream holds.`,
      { cause },
    )
  }
}
