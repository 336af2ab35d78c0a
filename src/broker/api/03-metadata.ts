/**
 * Metadata: the brokers, and topics with their partitions.
 *
 * Versions: 0-12.
 *
 * Behaviour: null topics ask for all, an empty list for none (in version 0, which has no null, for all). A topic that does
 * not exist is created with the broker's default number of partitions when the request allows it (before version 4 it
 * always does) and the setting `autoCreateTopics` too, and is answered finished. One that is named twice is told once.
 *
 * Differs from Apache Kafka: a created topic is usable at once, so LEADER_NOT_AVAILABLE is never answered.
 */
import { unaskedOperations } from '../../protocol/authorized-operations.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { metadata } from '../../protocol/messages/03-metadata.ts'
import { type Infer, type InferInput, zeroUuid } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { isInternalTopic } from '../internal-topics.ts'
import { answerTo } from '../request-refused.ts'
import type { Topic } from '../topics.ts'
import { clusterOperations } from './cluster-operations.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { eachOnce } from './each-once.ts'

type Request = Infer<typeof metadata.request>
type TopicAnswer = InferInput<typeof metadata.response>['topics'][number]

export const metadataHandler: ApiHandler = apiHandler(
  metadata,
  { min: 0, max: 12 },
  async (broker, request, context) => {
    const { version, advertised } = context
    const { authorizer } = broker
    const mayDescribe = (name: string): boolean =>
      authorizer.authorize(context, needed.metadata.topic, name)
    const all = request.topics === null || (version === 0 && request.topics.length === 0)
    const found: TopicAnswer[] = all
      ? broker.topics
          .all()
          .filter(({ name }) => mayDescribe(name))
          .map(topic => describe(broker, topic))
      : await Promise.all(
          eachOnce(request.topics ?? [], keyOf).map(wanted =>
            find(broker, request, wanted, context),
          ),
        )
    const topics = request.includeTopicAuthorizedOperations
      ? found.map(topic =>
          topic.errorCode === errorCode.NONE && topic.name !== null
            ? {
                ...topic,
                topicAuthorizedOperations: authorizer.operations(context, 'Topic', topic.name),
              }
            : topic,
        )
      : found
    const { nodeId, clusterId } = broker
    return {
      brokers: [{ nodeId, host: advertised.host, port: advertised.port, rack: null }],
      clusterId,
      controllerId: nodeId,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? clusterOperations(broker, context, needed.metadata.cluster)
        : unaskedOperations,
    }
  },
)

const keyOf = ({ name, topicId }: { name: string | null; topicId: string }): string =>
  topicId === zeroUuid ? `name ${name}` : topicId

async function find(
  broker: Broker,
  request: Request,
  wanted: { name: string | null; topicId: string },
  context: RequestContext,
): Promise<TopicAnswer> {
  const { authorizer } = broker
  const { topic: describing, createCluster, createTopic } = needed.metadata
  const { name, topicId } = wanted
  if (topicId !== zeroUuid) {
    const topic = broker.topics.byId(topicId)
    if (topic !== undefined && !authorizer.authorize(context, describing, topic.name)) {
      // Ids are no secret; the name is.
      return { errorCode: describing.refusal, name: null, topicId, partitions: [] }
    }
    if (topic !== undefined) return describe(broker, topic)
    return { ...unknown(name ?? '', errorCode.UNKNOWN_TOPIC_ID), topicId }
  }
  if (name === null) return unknown('', errorCode.INVALID_REQUEST)
  // Whether there is such a topic is told only to those who may know.
  if (!authorizer.authorize(context, describing, name)) return unknown(name, describing.refusal)
  const topic = broker.topics.get(name)
  if (topic !== undefined) return describe(broker, topic)
  if (!request.allowAutoTopicCreation || !broker.config.autoCreateTopics) {
    return unknown(name, errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  if (
    !authorizer.authorize(context, createCluster, clusterName) &&
    !authorizer.authorize(context, createTopic, name)
  ) {
    return unknown(name, createTopic.refusal)
  }
  try {
    const created = isInternalTopic(name)
      ? await broker.ensureInternalTopic(name)
      : await broker.topics.ensure({
          name,
          partitions: broker.config.numPartitions,
          configs: new Map(),
        })
    return describe(broker, created)
  } catch (error) {
    return unknown(name, answerTo(error, broker.logger).errorCode)
  }
}

function describe({ nodeId, leaderEpoch }: Broker, topic: Topic): TopicAnswer {
  return {
    errorCode: errorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map((_, partitionIndex) => ({
      errorCode: errorCode.NONE,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
    })),
  }
}

function unknown(name: string, code: number): TopicAnswer {
  return { errorCode: code, name, partitions: [] }
}
