import { MillraceError } from '../errors.ts'
import { topicNameProblem } from '../protocol/topic-name.ts'
import type { Processor } from '../topology/processor.ts'
import type { RecordMetadata, StreamRecord } from '../topology/record.ts'
import type { SinkNode } from '../topology/topology.ts'
import type { Collector, TopicCollector } from './record-collector.ts'
import type { UnwrittenOutput } from './task-errors.ts'

type AnyRecord = StreamRecord<unknown, unknown>

/** The processor of a sink: serializes and hands over. Kafka Streams' `SinkNode` and `RecordCollectorImpl.send`. */
export function sinkProcessor(node: SinkNode, collector: Collector, scope: SinkScope): Processor {
  const { topic } = node
  if (typeof topic === 'string') {
    const target = collector.topic(topic)
    return { process: record => write(record, node, target, scope) }
  }
  const legal = new Set<string>()
  return {
    process(record) {
      const { key, value, timestamp, headers } = record
      const metadata = scope.recordMetadata
      const name: unknown = topic(key, value, { metadata, timestamp, headers })
      if (typeof name !== 'string') throw noTopic(node, name, 'is no text')
      if (!legal.has(name)) {
        const problem = topicNameProblem(name)
        if (problem !== null) throw noTopic(node, name, problem)
        legal.add(name)
      }
      const target = collector.topic(name)
      if (target.whenKnown === undefined) write(record, node, target, scope)
      else target.whenKnown(known => write(record, node, known, scope))
    },
  }
}

/** What a sink shares with its task. */
export interface SinkScope {
  readonly recordMetadata: RecordMetadata | null
  /** Asks the production handler about a record, of whose error `sentence` is the explanation; throws to stop the task. */
  productionFailed(nodeName: string, sentence: MillraceError, output: UnwrittenOutput): void
  drop(nodeName: string, reason: string): void
}

function write(record: AnyRecord, node: SinkNode, target: TopicCollector, scope: SinkScope): void {
  const { key, value, timestamp, headers } = record
  const partition = node.partitioner?.(key, value, target.partitions) ?? null
  let origin: 'key' | 'value' = 'key'
  let keyBytes: Buffer | null
  let valueBytes: Buffer | null
  try {
    keyBytes = key === null ? null : node.key.serialize(key)
    origin = 'value'
    valueBytes = value === null ? null : node.value.serialize(value)
  } catch (error) {
    const output = { origin, outputTopic: target.name, record }
    scope.productionFailed(node.name, serdeError(node, target, origin, error), output)
    return
  }
  if (partition === null || typeof partition === 'number') {
    if (partition !== null) requirePartition(partition, node, target)
    target.append(partition, keyBytes, valueBytes, timestamp, headers)
    return
  }
  if (partition.length === 0) scope.drop(node.name, 'the partitioner names no partition')
  for (const each of new Set(partition)) {
    requirePartition(each, node, target)
    target.append(each, keyBytes, valueBytes, timestamp, headers)
  }
}

function requirePartition(
  partition: number,
  node: SinkNode,
  { name, partitions }: TopicCollector,
): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  throw new MillraceError(
    'PROCESSING_ERROR',
    `The partitioner of ${node.name} returned ${partition} for topic ${name}, which has the partitions 0 to ${partitions - 1}. Return one of these.`,
  )
}

function noTopic(node: SinkNode, name: unknown, problem: string): MillraceError {
  return new MillraceError(
    'PROCESSING_ERROR',
    `The function that chooses the topic of ${node.name} returned ${JSON.stringify(name)}, which ${problem}`,
  )
}

function serdeError(
  node: SinkNode,
  target: TopicCollector,
  part: 'key' | 'value',
  cause: unknown,
): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError(
    'SERDE_ERROR',
    `The ${part} of a record for topic ${target.name} could not be written by the serde ${node[part].name} of ${node.name}: ${reason}. Give the sink a serde for what the stream holds.`,
    { cause },
  )
}
