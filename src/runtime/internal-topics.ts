import type { ResolvedStreamsConfig } from '../dsl/streams-config.ts'
import type { LogClient, NewTopic } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Timers } from '../platform/platform.ts'
import { topicsOfSink, type Topology } from '../topology/topology.ts'
import { pause } from './pause.ts'
import { checkPolicies } from './topic-policies.ts'
import { type PartitionPlan, planPartitions, subtopologyTopics } from './partition-plan.ts'

/** How often, and how long apart, we look for topics that were just created: a cluster takes a moment to tell. */
const attempts = 50
const attemptIntervalMs = 100

/** How internal topics are created. */
export type TopicSettings = Pick<ResolvedStreamsConfig, 'replicationFactor' | 'topicConfigs'>

/**
 * Looks at the topics that exist, plans the partitions and creates what is missing: internal topics with their planned
 * counts, output topics with the broker's default count. Every instance does it when it starts; creating a topic that
 * exists does nothing, so they do not get in each other's way. Kafka Streams' `InternalTopicManager`.
 *
 * Throws MISSING_TOPIC for an absent source topic, WRONG_PARTITIONS when an internal topic has another count than the plan
 * says, and WRONG_TOPIC_CONFIG when it would lose records.
 */
export async function prepareTopics(options: {
  topology: Topology
  deadLetterTopic: string | undefined
  client: LogClient
  timers: Timers
  logger: Logger
  settings: TopicSettings
}): Promise<PartitionPlan> {
  const { topology, deadLetterTopic, client, timers, logger, settings } = options
  const outputs = outputTopics(topology)
  if (deadLetterTopic !== undefined) outputs.push(deadLetterTopic)
  const names = [...new Set([...sourceTopics(topology), ...internalNames(topology), ...outputs])]
  for (let attempt = 0; ; attempt++) {
    const existing = await partitionCounts(client, names)
    const plan = planPartitions(topology, existing)
    const missing = names.filter(name => !existing.has(name))
    checkCounts(topology, plan, existing)
    if (attempt === 0) await checkPolicies({ topology, existing, client, logger })
    if (missing.length === 0) return plan
    if (attempt === attempts) throw notListed(missing)
    if (attempt === 0) {
      logger.info(
        { topics: missing },
        `${topology.applicationId} creates topics that do not exist yet`,
      )
      await client.createTopics(missing.map(name => newTopic(name, topology, plan, settings)))
    } else {
      await pause(timers, attemptIntervalMs)
    }
  }
}

/**
 * Numbers of partitions of topics that were chosen while records were processed; those that do not exist are created with the
 * broker's defaults. Throws what the log refuses.
 */
export async function lookUpTopics(
  names: readonly string[],
  { client, timers, logger }: { client: LogClient; timers: Timers; logger: Logger },
): Promise<ReadonlyMap<string, number>> {
  for (let attempt = 0; ; attempt++) {
    const existing = await partitionCounts(client, names)
    const missing = names.filter(name => !existing.has(name))
    if (missing.length === 0) return existing
    if (attempt === attempts) throw notListed(missing)
    if (attempt === 0) {
      logger.info(
        { topics: missing },
        'Topics that records are written to do not exist: creating them',
      )
      await client.createTopics(missing.map(name => ({ name })))
    } else {
      await pause(timers, attemptIntervalMs)
    }
  }
}

const notListed = (missing: readonly string[]): MillraceError =>
  new MillraceError(
    'LOG_ERROR_RETRIABLE',
    `These topics were created but the cluster does not list them yet: ${missing.join(', ')}. Start again.`,
  )

async function partitionCounts(
  client: LogClient,
  names: readonly string[],
): Promise<Map<string, number>> {
  const topics = await client.describeTopics(names)
  return new Map([...topics.values()].map(({ name, partitions }) => [name, partitions]))
}

function sourceTopics(topology: Topology): string[] {
  const globals = topology.globalStores.flatMap(global => global.source.topics)
  return [...topology.subtopologies.flatMap(subtopologyTopics), ...globals]
}

function outputTopics(topology: Topology): string[] {
  const nodes = topology.subtopologies.flatMap(subtopology => subtopology.nodes)
  return nodes.flatMap(topicsOfSink)
}

function internalNames(topology: Topology): string[] {
  return topology.internalTopics.map(topic => topic.name)
}

function newTopic(
  name: string,
  topology: Topology,
  plan: PartitionPlan,
  { replicationFactor, topicConfigs }: TopicSettings,
): NewTopic {
  const internal = topology.internalTopics.find(topic => topic.name === name)
  const partitions = plan.counts.get(name)
  if (internal === undefined || partitions === undefined) return { name }
  const configs = { ...internal.configs, ...topicConfigs, ...internal.givenConfigs }
  return { name, partitions, replicationFactor, configs }
}

function checkCounts(
  topology: Topology,
  plan: PartitionPlan,
  existing: ReadonlyMap<string, number>,
): void {
  for (const { name } of topology.internalTopics) {
    const found = existing.get(name)
    const planned = plan.counts.get(name)
    if (found === undefined || found === planned) continue
    throw new MillraceError(
      'WRONG_PARTITIONS',
      `The internal topic '${name}' has ${found} partitions but ${topology.applicationId} needs ${planned}: the ` +
        `topology or the partitions of its input topics changed since it was created. Stop all instances, run ` +
        `\`millrace reset\`, which deletes the internal topics and has ${topology.applicationId} begin anew, and start again.`,
    )
  }
}
