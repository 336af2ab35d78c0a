import type { LogClient } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { InternalTopic, Topology } from '../topology/topology.ts'

const policy = 'cleanup.policy'

/**
 * Looks at how the internal topics that exist already are cleaned up: somebody may have created them, or changed them, in a way
 * that loses what the application needs. Throws WRONG_TOPIC_CONFIG for a changelog that is not compacted, whose rows would be
 * gone one day, and for a repartition topic that is, whose records would be gone before they are read. Where this client may not
 * see settings, it is left at a warning.
 */
export async function checkPolicies(options: {
  topology: Topology
  existing: ReadonlyMap<string, number>
  client: Pick<LogClient, 'topicConfigs'>
  logger: Logger
}): Promise<void> {
  const { topology, existing, client, logger } = options
  const topics = topology.internalTopics.filter(({ name }) => existing.has(name))
  if (topics.length === 0) return
  const found = await policies(client, topics, logger)
  for (const topic of topics) {
    const value = found.get(topic.name)?.get(policy)
    if (value !== undefined) checkPolicy(topic, value, logger)
  }
}

async function policies(
  client: Pick<LogClient, 'topicConfigs'>,
  topics: readonly InternalTopic[],
  logger: Logger,
): ReturnType<LogClient['topicConfigs']> {
  const names = topics.map(({ name }) => name)
  try {
    return await client.topicConfigs(names, [policy])
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'UNAUTHORIZED') throw error
    logger.warn(
      { topics: names, error },
      'Whether internal topics keep what they must cannot be checked: grant DESCRIBE_CONFIGS on them',
    )
    return new Map()
  }
}

function checkPolicy({ name, kind }: InternalTopic, value: string, logger: Logger): void {
  const isCompacted = value.split(',').some(each => each.trim() === 'compact')
  const isDeleted = value.split(',').some(each => each.trim() === 'delete')
  const found = `The ${kind} topic '${name}' has ${policy}=${value}`
  if (kind === 'changelog' && !isCompacted) {
    throw new MillraceError(
      'WRONG_TOPIC_CONFIG',
      `${found}, which deletes rows that the store still has: a restore would come without them. Set it to compact.`,
    )
  }
  if (kind === 'repartition' && isCompacted) {
    throw new MillraceError(
      'WRONG_TOPIC_CONFIG',
      `${found}, which removes records before they are read. Set it to delete.`,
    )
  }
  if (kind === 'changelog' && isDeleted) {
    logger.warn(
      { topic: name, [policy]: value },
      `${found}: rows older than its retention are missing after a restore, also where the store still has them`,
    )
  }
}
