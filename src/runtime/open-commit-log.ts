import type { LogClient } from '../client/log-client.ts'
import type { ResolvedStreamsConfig } from '../dsl/streams-config.ts'
import type { Logger } from '../logger.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'
import { AtLeastOnce } from './at-least-once.ts'
import type { CommitTarget } from './commit.ts'
import type { CommitLog } from './commit-log.ts'
import { ExactlyOnce } from './exactly-once.ts'
import type { Counters } from './metrics/application-metrics.ts'
import type { RecordCollector } from './record-collector.ts'
import { RefusedOutputs } from './refused-outputs.ts'

/**
 * Opens what the guarantee of an application asks for. The transactional id is named after the process, so that a restart ends
 * at once what its predecessor left open.
 */
export async function openCommitLog(options: {
  client: LogClient
  topology: Topology
  processId: string
  config: ResolvedTaskConfig
  streamsConfig: ResolvedStreamsConfig
  collector: RecordCollector
  lookUpTopics: CommitTarget['lookUpTopics']
  counters: Counters
  logger: Logger
}): Promise<CommitLog> {
  const { client, topology, processId, streamsConfig, counters, logger } = options
  const onDropped = (): void => {
    counters.dropped++
  }
  const refused = new RefusedOutputs({ ...options, onDropped })
  const { processingGuarantee, transactionTimeoutMs } = streamsConfig
  if (processingGuarantee === 'atLeastOnce') {
    return new AtLeastOnce(await client.producer(), refused, logger)
  }
  const transactionalId = `${topology.applicationId}-${processId}`
  const transaction = { transactionalId, transactionTimeoutMs }
  const log = new ExactlyOnce({ client, transaction, refused, logger })
  await log.open()
  return log
}
