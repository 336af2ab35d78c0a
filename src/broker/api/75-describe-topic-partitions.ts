/**
 * DescribeTopicPartitions: topics with their partitions, in pages (KIP-966).
 *
 * Versions: 0.
 *
 * Behaviour: no topics ask for all that the client may describe. Topics come in order of their names, as many partitions as asked for and at most 2000;
 * what is left begins at `nextCursor`, with which the client asks again. A cursor stays good when its topic is deleted:
 * the next one follows.
 *
 * Differs from Apache Kafka: there are no replicas that could be elected besides the leader. The most partitions of one
 * answer is not a setting.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeTopicPartitions } from '../../protocol/messages/75-describe-topic-partitions.ts'
import { type InferInput, zeroUuid } from '../../protocol/schema.ts'
import { topicNameProblem } from '../../protocol/topic-name.ts'
import type { Broker } from '../broker.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type Answer = InferInput<typeof describeTopicPartitions.response>
type TopicAnswer = Answer['topics'][number]

const MAX_PARTITIONS = 2000

export const describeTopicPartitionsHandler: ApiHandler = apiHandler(
  describeTopicPartitions,
  { min: 0, max: 0 },
  (broker, { topics, responsePartitionLimit, cursor }, context): Answer => {
    const isVisible = ({ name }: { name: string }): boolean =>
      broker.authorizer.authorize(context, needed.describeTopicPartitions.topic, name)
    const names = topics.length === 0 ? broker.topics.all().filter(isVisible) : topics
    const sorted = [...new Set(names.map(({ name }) => name))].sort()
    const from = cursor?.topicName ?? ''
    let left = Math.max(1, Math.min(responsePartitionLimit, MAX_PARTITIONS))
    const described: TopicAnswer[] = []
    for (const name of sorted) {
      if (name < from) continue
      if (left === 0) {
        return { topics: described, nextCursor: { topicName: name, partitionIndex: 0 } }
      }
      const first = name === from ? Math.max(cursor?.partitionIndex ?? 0, 0) : 0
      if (!isVisible({ name })) {
        described.push(problem(name, needed.describeTopicPartitions.topic.refusal))
        continue
      }
      const answer = {
        ...describe(broker, name, { first, end: first + left }),
        topicAuthorizedOperations: broker.authorizer.operations(context, 'Topic', name),
      }
      described.push(answer)
      left -= answer.partitions.length
      const next = first + answer.partitions.length
      if (next < (broker.topics.get(name)?.partitions.length ?? 0)) {
        return { topics: described, nextCursor: { topicName: name, partitionIndex: next } }
      }
    }
    return { topics: described, nextCursor: null }
  },
)

function describe(
  { topics, nodeId, leaderEpoch }: Broker,
  name: string,
  range: { readonly first: number; readonly end: number },
): TopicAnswer {
  const topic = topics.get(name)
  if (topic === undefined) {
    const code =
      topicNameProblem(name) === null
        ? errorCode.UNKNOWN_TOPIC_OR_PARTITION
        : errorCode.INVALID_TOPIC_EXCEPTION
    return problem(name, code)
  }
  const numbers = [...topic.partitions.keys()].slice(range.first, range.end)
  return {
    errorCode: errorCode.NONE,
    name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: numbers.map(partitionIndex => ({
      errorCode: errorCode.NONE,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    })),
  }
}

function problem(name: string, code: number): TopicAnswer {
  return { errorCode: code, name, topicId: zeroUuid, isInternal: false, partitions: [] }
}
