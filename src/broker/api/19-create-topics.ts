/**
 * CreateTopics: makes topics; durable when answered.
 *
 * Versions: 2-7.
 *
 * Behaviour: needs Create on the cluster or on the topic. What the topic is like is told to those who may describe its
 * settings. -1 partitions take the broker's default; -1 or 1 replicas are accepted, more are refused with
 * INVALID_REPLICATION_FACTOR. An assignment by hand must place every partition on this node. Settings that the broker
 * does not know are refused with INVALID_CONFIG. `validateOnly` answers what would happen. `__consumer_offsets` is made by
 * the broker, with settings of its own, and refused with INVALID_TOPIC_EXCEPTION.
 *
 * Differs from Apache Kafka: `timeoutMs` is not looked at, a topic is ready when it is answered. The answer lists all
 * settings of the topic, those of the broker's defaults included, but only settings that this broker knows. Names that differ
 * only in `.` and `_` are different topics: no metric is named after them with one for the other.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { createTopics } from '../../protocol/messages/19-create-topics.ts'
import type { Infer, InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { isInternalTopic } from '../internal-topics.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { checkTopicConfigs } from '../topic-configs.ts'
import type { NewTopicSpec } from '../topics.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'
import { repeats } from './each-once.ts'
import { describeTopicConfigs } from './topic-config-entries.ts'

type NewTopic = Infer<typeof createTopics.request>['topics'][number]
type TopicAnswer = InferInput<typeof createTopics.response>['topics'][number]

export const createTopicsHandler: ApiHandler = apiHandler(
  createTopics,
  { min: 2, max: 7 },
  async (broker, request, context) => {
    const twice = repeats(request.topics.map(topic => topic.name))
    const topics: TopicAnswer[] = []
    for (const wanted of request.topics) {
      const { name } = wanted
      try {
        if (twice.has(name)) {
          throw new RequestRefused(errorCode.INVALID_REQUEST, `Topic ${name} is named twice.`)
        }
        if (request.topics.length > broker.config.maxPartitions) {
          throw new RequestRefused(
            errorCode.POLICY_VIOLATION,
            `The request names more topics than there may be partitions (${broker.config.maxPartitions}).`,
          )
        }
        topics.push(await create(broker, wanted, request.validateOnly, context))
      } catch (error) {
        topics.push({ name, ...answerTo(error, broker.logger), configs: null })
      }
    }
    return { topics }
  },
)

async function create(
  broker: Broker,
  wanted: NewTopic,
  validateOnly: boolean,
  context: RequestContext,
): Promise<TopicAnswer> {
  const { authorizer } = broker
  const { cluster, configs } = needed.createTopics
  if (!authorizer.authorize(context, cluster, clusterName)) {
    checkAuthorized(broker, context, needed.createTopics.topic, wanted.name)
  }
  const spec: NewTopicSpec = {
    name: wanted.name,
    partitions: partitionsOf(broker, wanted),
    configs: checkTopicConfigs(wanted.configs),
  }
  if (isInternalTopic(spec.name)) {
    throw new RequestRefused(
      errorCode.INVALID_TOPIC_EXCEPTION,
      `Topic ${spec.name} is made by the broker itself as soon as it needs it.`,
    )
  }
  broker.topics.check(spec)
  const topic = validateOnly ? null : await broker.topics.create(spec)
  return {
    name: spec.name,
    ...(topic === null ? {} : { topicId: topic.id }),
    errorCode: errorCode.NONE,
    ...(authorizer.authorize(context, configs, spec.name)
      ? {
          numPartitions: spec.partitions,
          replicationFactor: 1,
          configs: describeTopicConfigs(spec.configs),
        }
      : {
          topicConfigErrorCode: configs.refusal,
          numPartitions: -1,
          replicationFactor: -1,
          configs: [],
        }),
  }
}

function partitionsOf(broker: Broker, wanted: NewTopic): number {
  const { name, numPartitions, replicationFactor, assignments } = wanted
  if (assignments.length === 0) {
    if (replicationFactor !== -1 && replicationFactor !== 1) {
      throw new RequestRefused(
        errorCode.INVALID_REPLICATION_FACTOR,
        `Topic ${name} cannot have ${replicationFactor} replicas: there is one broker.`,
      )
    }
    return numPartitions === -1 ? broker.config.numPartitions : numPartitions
  }
  if (numPartitions !== -1 || replicationFactor !== -1) {
    throw new RequestRefused(
      errorCode.INVALID_REQUEST,
      `Topic ${name} has both an assignment by hand and a number of partitions or replicas: give one.`,
    )
  }
  const placed = new Set<number>()
  for (const { partitionIndex, brokerIds } of assignments) {
    if (brokerIds.length !== 1 || brokerIds[0] !== broker.nodeId) {
      throw new RequestRefused(
        errorCode.INVALID_REPLICA_ASSIGNMENT,
        `Partition ${partitionIndex} of ${name} must be placed on broker ${broker.nodeId}, the only one.`,
      )
    }
    placed.add(partitionIndex)
  }
  if (placed.size !== assignments.length || assignments.some((_, index) => !placed.has(index))) {
    throw new RequestRefused(
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      `The partitions of ${name} must be numbered from 0 without gaps.`,
    )
  }
  return assignments.length
}
