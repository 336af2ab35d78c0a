/**
 * One broker on one data folder, without sockets: `server.ts` puts it on the network, `connector()` gives it to code in
 * the same process. Requests are dispatched by `api/index.ts`; what they act on hangs together here.
 */
import { join, resolve } from 'node:path'
import type { Connector } from '../client/connection.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import { consumerOffsetsTopic, transactionStateTopic } from '../protocol/internal-topics.ts'
import { AnswerBuffers } from './answer-buffers.ts'
import { brokerConfig, type BrokerConfig } from './config.ts'
import { ConnectionMemory } from './connection-memory.ts'
import { openDataFolder } from './data-folder.ts'
import { type GroupCoordinator, openGroupCoordinator } from './coordinator/group-coordinator.ts'
import { abortHangingTransactions } from './coordinator/hanging-transactions.ts'
import {
  openTransactionCoordinator,
  type TransactionCoordinator,
} from './coordinator/transaction-coordinator.ts'
import { type MarkerWriter, markerWriter } from './coordinator/transaction-markers.ts'
import { inProcessConnector } from './in-process-connector.ts'
import { startFlushing } from './flush-interval.ts'
import { type InternalTopic, internalTopicSpec } from './internal-topics.ts'
import { type Counters, newCounters } from './metrics/counters.ts'
import { diskReserve } from './disk-reserve.ts'
import { openProducerIds, type ProducerIds } from './producer-ids.ts'
import { type ClientQuotas, openClientQuotas } from './quotas/client-quotas.ts'
import { startRetention } from './retention.ts'
import { type Authorizer, openAuthorizer } from './security/authorizer.ts'
import { openUsers, type Users } from './security/users.ts'
import { openTopics, type Topic, type Topics } from './topics.ts'

export interface Broker {
  readonly platform: Platform
  readonly config: BrokerConfig
  readonly logger: Logger
  /** Where the logs of all partitions are, as an absolute path. */
  readonly logDir: string
  readonly clusterId: string
  readonly nodeId: number
  /** Epoch in which this broker leads all its partitions: one more with each start. */
  readonly leaderEpoch: number
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  /** Ends transactions in partitions. */
  readonly markers: MarkerWriter
  readonly producerIds: ProducerIds
  readonly counters: Counters
  readonly authorizer: Authorizer
  readonly users: Users
  /** Aborted by `stop`: requests that wait for something are answered with what there is. */
  readonly stopping: AbortSignal
  /** A topic of the broker's own, created when it is first needed. */
  ensureInternalTopic(name: InternalTopic): Promise<Topic>
  readonly clientQuotas: ClientQuotas
  readonly connectionMemory: ConnectionMemory
  readonly answerBuffers: AnswerBuffers
  /** The number of a connection that was opened just now: `RequestContext.connection`. */
  nextConnection(): number
  /** Connections for code in this process. */
  connector(): Connector
  /** Answers everybody who waits; new in-process connections are refused. `close` does this first. */
  stop(): void
  /** Makes everything durable, marks the logs as closed cleanly and gives the folder back. */
  close(): Promise<void>
}

type Coordinators = Pick<Broker, 'groups' | 'markers' | 'transactions'>

export interface OpenBrokerOptions {
  readonly platform: Platform
  /** The data folder; created when absent. */
  readonly folder: string
  readonly config?: Partial<BrokerConfig>
  readonly logger?: Logger
}

/**
 * Opens a broker and recovers what an unclean stop left behind. Throws FOLDER_LOCKED while another living process holds
 * the folder, CORRUPT_DATA when what is in it cannot be trusted, INVALID_CONFIG, FILE_ERROR.
 */
export function openBroker(options: OpenBrokerOptions): Promise<Broker> {
  // The lock, the number of starts and what recovery notes take a few bytes, also when the disk is full.
  return diskReserve(options.platform.files, options.folder).spend(() => open(options))
}

async function open(options: OpenBrokerOptions): Promise<Broker> {
  const { platform, logger = silentLogger } = options
  const config = brokerConfig(options.config)
  const folder = await openDataFolder(platform, options.folder, config.nodeId)
  try {
    const producerIds = openProducerIds(platform.files, folder.path, () =>
      largestProducerId(topics.all()),
    )
    const clientQuotas = openClientQuotas(platform, folder.path)
    const { files } = platform
    const authorizer = openAuthorizer({ files, folder: folder.path, config, logger })
    const users = openUsers(platform, folder.path)
    const topics = await openTopics({ platform, folder: folder.path, config, logger })
    const ensureInternalTopic = (name: InternalTopic): Promise<Topic> =>
      topics.ensure(internalTopicSpec(name, config))
    const leaderEpoch = folder.brokerEpoch
    let connections = 0
    const { groups, markers, transactions } = await openCoordinators()
    const counters = newCounters()
    const stopFlushing =
      config.flush === 'interval'
        ? startFlushing(
            platform,
            () => topics.all().flatMap(({ partitions }) => partitions),
            config.flushIntervalMs,
          )
        : undefined
    const stopRetention = startRetention({
      platform,
      topics,
      logger,
      intervalMs: config.logRetentionCheckIntervalMs,
      counters,
    })
    const stopping = new AbortController()
    let closing: Promise<void> | null = null

    const broker: Broker = {
      platform,
      config,
      logger,
      logDir: join(resolve(folder.path), 'logs'),
      clusterId: folder.clusterId,
      nodeId: folder.nodeId,
      leaderEpoch,
      topics,
      groups,
      transactions,
      markers,
      producerIds,
      counters,
      authorizer,
      users,
      stopping: stopping.signal,
      ensureInternalTopic,
      clientQuotas,
      connectionMemory: new ConnectionMemory(config),
      answerBuffers: new AnswerBuffers(),
      nextConnection: () => ++connections,
      connector: () => inProcessConnector(broker),
      stop() {
        stopping.abort()
        groups.stop()
        transactions.stop()
      },
      close() {
        closing ??= close()
        return closing
      },
    }

    async function openCoordinators(): Promise<Coordinators> {
      try {
        const shared = { platform, config, logger, topics, leaderEpoch }
        const groups = openGroupCoordinator({
          ...shared,
          ensureTopic: () => ensureInternalTopic(consumerOffsetsTopic),
        })
        const markers = markerWriter({ topics, groups, leaderEpoch, logger })
        const transactions = openTransactionCoordinator({
          ...shared,
          producerIds,
          markers,
          newestConnection: () => connections,
          ensureTopic: () => ensureInternalTopic(transactionStateTopic),
          async offsetsTopic() {
            await groups.ready()
            return ensureInternalTopic(consumerOffsetsTopic)
          },
        })
        const coordinatorEpoch = leaderEpoch
        await abortHangingTransactions({ topics, transactions, markers, coordinatorEpoch, logger })
        return { groups, markers, transactions }
      } catch (error) {
        await topics.close()
        throw error
      }
    }

    async function close(): Promise<void> {
      broker.stop()
      try {
        stopFlushing?.()
        await stopRetention()
        await topics.close()
      } finally {
        folder.lock.release()
      }
    }

    return broker
  } catch (error) {
    folder.lock.release()
    throw error
  }
}

/** Ids that no broker gives out, but that anybody can write with, are not counted. */
const largestGivenId = 2n ** 50n

function largestProducerId(topics: readonly Topic[]): bigint {
  let largest = 0n
  for (const { partitions } of topics) {
    for (const log of partitions) {
      for (const { producerId } of log.producers) {
        if (producerId > largest && producerId < largestGivenId) largest = producerId
      }
    }
  }
  return largest
}
