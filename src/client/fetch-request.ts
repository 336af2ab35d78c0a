import { MillraceError } from '../errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { fetch } from '../protocol/messages/01-fetch.ts'
import { baseOffset, checkBatch, lastOffsetDelta, sizeInBytes } from '../protocol/record-batch.ts'
import type { Infer } from '../protocol/schema.ts'
import type { BrokerConnections } from './broker-connections.ts'
import type { ClusterMetadata, Leader } from './cluster-metadata.ts'
import { logError } from './errors.ts'
import type { PartitionOffset, TopicPartition } from './log-client.ts'
import { PartitionMap, byTopic, partitionName } from './partition-map.ts'

/** Kafka's numbers for whether a fetch stops before transactions that are open. */
const readUncommitted = 0
const readCommitted = 1

export type FetchAnswer = Infer<typeof fetch.response>['responses'][number]['partitions'][number]

/**
 * One Fetch request for partitions of one leader. Uses no fetch session: every request names all its partitions
 * (KIP-227 allows it, and brokers without sessions need it).
 */
export async function fetchFromLeader(
  cluster: ClusterMetadata,
  connections: BrokerConnections,
  leader: Leader,
  positions: Iterable<TopicPartition & { position: number }>,
  limits: { waitMs: number; maxBytes: number; maxPartitionBytes: number; committed: boolean },
): Promise<PartitionMap<FetchAnswer>> {
  const topicOfId = new Map<string, string>()
  const topics = [...byTopic(positions)].map(([topic, entries]) => {
    const topicId = cluster.topicId(topic)
    topicOfId.set(topicId, topic)
    return {
      topic,
      topicId,
      partitions: entries.map(entry => ({
        partition: entry.partition,
        currentLeaderEpoch: cluster.leader(entry)?.epoch ?? -1,
        fetchOffset: entry.position,
        lastFetchedEpoch: -1,
        logStartOffset: -1,
        partitionMaxBytes: limits.maxPartitionBytes,
      })),
    }
  })
  const body = {
    replicaId: -1,
    maxWaitMs: limits.waitMs,
    minBytes: 1,
    maxBytes: limits.maxBytes,
    isolationLevel: limits.committed ? readCommitted : readUncommitted,
    sessionId: 0,
    sessionEpoch: -1,
    topics,
    forgottenTopicsData: [],
    rackId: '',
  }
  const options = { waitMs: limits.waitMs }
  const response = await connections.request(leader.address, fetch, body, options)
  if (response.errorCode !== errorCode.NONE) {
    throw logError(response.errorCode, 'A fetch was refused as a whole')
  }
  const answers = new PartitionMap<FetchAnswer>()
  for (const { topic: name, topicId, partitions } of response.responses) {
    // Requests from version 13 on name topics by id, and so do their answers.
    const topic = name === '' ? (topicOfId.get(topicId) ?? '') : name
    for (const answer of partitions)
      answers.set({ topic, partition: answer.partitionIndex }, answer)
  }
  return answers
}

/**
 * Checks the batches that a broker sent (size, CRC-32C) and finds where they end; a batch that was cut off by the byte
 * limit is left out. Gives a CORRUPT_DATA error that names the position when they cannot be trusted.
 */
export function completeBatches(
  records: Buffer,
  position: PartitionOffset,
): { batches: Buffer; nextOffset: number } | MillraceError {
  let end = 0
  let nextOffset = position.offset
  while (end + 12 <= records.length && end + sizeInBytes(records, end) <= records.length) {
    const problem = checkBatch(records, end)
    if (problem !== null) return corrupt(position, end, problem.text)
    nextOffset = baseOffset(records, end) + lastOffsetDelta(records, end) + 1
    end += sizeInBytes(records, end)
  }
  if (nextOffset <= position.offset) {
    return corrupt(position, end, 'no complete batch reaches the offset that was asked for')
  }
  return { batches: records.subarray(0, end), nextOffset }
}

const corrupt = (position: PartitionOffset, at: number, problem: string): MillraceError =>
  new MillraceError(
    'CORRUPT_DATA',
    `What the broker sent for partition ${partitionName(position)} from offset ` +
      `${position.offset} is damaged at byte ${at}: ${problem}. ` +
      'Poll again; if it stays, check the log of the broker.',
  )
