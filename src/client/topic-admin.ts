import { MillraceError } from '../errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { createTopics as createTopicsApi } from '../protocol/messages/19-create-topics.ts'
import { deleteTopics as deleteTopicsApi } from '../protocol/messages/20-delete-topics.ts'
import { describeConfigs } from '../protocol/messages/32-describe-configs.ts'
import { zeroUuid } from '../protocol/schema.ts'
import type { ClientCore } from './client-core.ts'
import { retryingCall } from './client-core.ts'
import { logError, remedyFor } from './errors.ts'
import type { NewTopic, TopicDescription } from './log-client.ts'

/** How long in milliseconds the controller may take over one request. */
const controllerTimeoutMs = 15_000

export function describeTopics(
  core: ClientCore,
  names?: readonly string[],
): Promise<Map<string, TopicDescription>> {
  return retryingCall(core, 'describing topics', async () => {
    const found = new Map<string, TopicDescription>()
    for (const topic of await core.cluster.learn(names ?? null)) {
      const { name, errorCode: code, isInternal, partitions } = topic
      if (name === null || code === errorCode.UNKNOWN_TOPIC_OR_PARTITION) continue
      if (code !== errorCode.NONE) throw logError(code, `Topic '${name}' could not be described`)
      found.set(name, { name, partitions: partitions.length, internal: isInternal })
    }
    return found
  })
}

export async function createTopics(core: ClientCore, topics: readonly NewTopic[]): Promise<void> {
  if (topics.length === 0) return
  await retryingCall(core, 'creating topics', async () => {
    const response = await core.cluster.askController(createTopicsApi, {
      topics: topics.map(({ name, partitions, replicationFactor, configs }) => ({
        name,
        numPartitions: partitions ?? -1,
        replicationFactor: replicationFactor ?? -1,
        assignments: [],
        configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs: controllerTimeoutMs,
      validateOnly: false,
    })
    for (const { name, errorCode: code, errorMessage } of response.topics) {
      if (code === errorCode.NONE || code === errorCode.TOPIC_ALREADY_EXISTS) continue
      if (remedyFor(code) === 'refreshMetadata') core.cluster.distrustController()
      throw logError(code, `Topic '${name}' could not be created`, errorMessage)
    }
  })
  const names = topics.map(topic => topic.name)
  await retryingCall(core, 'waiting for new topics', async () => {
    for (const topic of await core.cluster.learn(names)) {
      const led = topic.partitions.every(partition => partition.leaderId >= 0)
      if (topic.errorCode === errorCode.NONE && led) continue
      throw new MillraceError(
        'LOG_ERROR_RETRIABLE',
        `The new topic '${topic.name}' has no leaders yet: the brokers have not agreed on it.`,
      )
    }
  })
}

/** Kafka's number for a topic among the kinds of resources that have settings. */
const topicResource = 2

export function topicConfigs(
  core: ClientCore,
  names: readonly string[],
  keys: readonly string[],
): Promise<Map<string, ReadonlyMap<string, string>>> {
  return retryingCall(core, 'reading the settings of topics', async () => {
    const { results } = await core.cluster.askAnyBroker(describeConfigs, {
      resources: names.map(resourceName => ({
        resourceType: topicResource,
        resourceName,
        configurationKeys: keys,
      })),
      includeSynonyms: false,
      includeDocumentation: false,
    })
    const found = new Map<string, ReadonlyMap<string, string>>()
    for (const { resourceName: name, errorCode: code, errorMessage, configs } of results) {
      if (code !== errorCode.NONE) {
        throw logError(code, `The settings of topic '${name}' could not be read`, errorMessage)
      }
      found.set(name, new Map(configs.map(config => [config.name, config.value ?? ''])))
    }
    return found
  })
}

export async function deleteTopics(core: ClientCore, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await retryingCall(core, 'deleting topics', async () => {
    const response = await core.cluster.askController(deleteTopicsApi, {
      topics: names.map(name => ({ name, topicId: zeroUuid })),
      topicNames: names,
      timeoutMs: controllerTimeoutMs,
    })
    for (const { name, errorCode: code, errorMessage } of response.responses) {
      if (code === errorCode.NONE || code === errorCode.UNKNOWN_TOPIC_OR_PARTITION) continue
      if (remedyFor(code) === 'refreshMetadata') core.cluster.distrustController()
      throw logError(code, `Topic '${name}' could not be deleted`, errorMessage)
    }
  })
  await retryingCall(core, 'waiting for topics to go', async () => {
    for (const { name, errorCode: code } of await core.cluster.learn(names)) {
      if (code === errorCode.UNKNOWN_TOPIC_OR_PARTITION) continue
      throw new MillraceError(
        'LOG_ERROR_RETRIABLE',
        `The deleted topic '${name}' is still there: the brokers have not agreed on it.`,
      )
    }
  })
}
