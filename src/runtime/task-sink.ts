import { MillraceError } from '../errors.ts'
import type { Processor } from '../topology/processor.ts'
import type { SinkNode } from '../topology/topology.ts'
import type { TopicCollector } from './record-collector.ts'
import type { UnwrittenOutput } from './task-errors.ts'

/** The processor of a sink: serializes and hands over. Kafka Streams' `SinkNode` and `RecordCollectorImpl.send`. */
export function sinkProcessor(node: SinkNode, topic: TopicCollector, scope: SinkScope): Processor {
  const { partitioner } = node
  return {
    process(record) {
      const { key, value, timestamp, headers } = record
      const partition = partitioner === undefined ? null : choosePartition(node, topic, key, value)
      let origin: 'key' | 'value' = 'key'
      let keyBytes: Buffer | null
      let valueBytes: Buffer | null
      try {
        keyBytes = key === null ? null : node.key.serialize(key)
        origin = 'value'
        valueBytes = value === null ? null : node.value.serialize(value)
      } catch (error) {
        const output = { origin, outputTopic: node.topic, record }
        scope.productionFailed(node.name, serdeError(node, origin, error), output)
        return
      }
      topic.append(partition, keyBytes, valueBytes, timestamp, headers)
    },
  }
}

/** What a sink shares with its task. */
export interface SinkScope {
  /** Asks the production handler about a record, of whose error `sentence` is the explanation; throws to stop the task. */
  productionFailed(nodeName: string, sentence: MillraceError, output: UnwrittenOutput): void
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

function serdeError(node: SinkNode, part: 'key' | 'value', cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError(
    'SERDE_ERROR',
    `The ${part} of a record for topic ${node.topic} could not be written by the serde ${node[part].name} of ${node.name}: ${reason}. Give the sink a serde for what the stream holds.`,
    { cause },
  )
}
