import { silentLogger } from '../logger.ts'
import type { Logger } from '../logger.ts'
import type { Address, Platform } from '../platform/platform.ts'
import { openCore } from './client-core.ts'
import { committedOffsets } from './committed-offsets.ts'
import type { Connector } from './connection.ts'
import { commitGroupOffsets, describeGroup, removeMembers } from './group-admin.ts'
import { KafkaGroupMember } from './group-member.ts'
import type { GroupAdmin, LogClient } from './log-client.ts'
import { KafkaLogConsumer } from './log-consumer.ts'
import { KafkaLogProducer } from './log-producer.ts'
import { deleteRecords, listOffsets } from './partition-requests.ts'
import { createTopics, deleteTopics, describeTopics, topicConfigs } from './topic-admin.ts'
import { KafkaTransactionalProducer } from './transactional-producer.ts'

/**
 * How a client reaches the log, and how long it tries.
 */
export interface LogClientOptions {
  readonly platform: Platform
  /** Brokers to ask first; the others are learnt from them. */
  readonly bootstrap: readonly Address[]
  /** `wireConnector` for sockets, or the in-process connector of the embedded broker. */
  readonly connector: Connector
  /** Names this client in its log lines; to the brokers, the connector names it. @defaultValue none */
  readonly clientId?: string
  /** @defaultValue silentLogger */
  readonly logger?: Logger
  /** How long in milliseconds a call is repeated before its last error is thrown. @defaultValue 30000 */
  readonly retryTimeoutMs?: number
  /** How long in milliseconds a producer tries to deliver a batch. @defaultValue 120000 */
  readonly deliveryTimeoutMs?: number
}

/**
 * A client of a log that speaks the Kafka protocol: the embedded broker, the bundled one over TCP, or Apache Kafka. It
 * connects on first use. Throws INVALID_CONFIG when `bootstrap` is empty; calls throw CONNECTION_LOST, LOG_ERROR or
 * LOG_ERROR_RETRIABLE once repeating them has not helped for `retryTimeoutMs`, and CLOSED after `close`.
 *
 * @example
 * ```ts
 * import { createLogClient, nodePlatform } from 'millrace'
 * import { startBroker } from 'millrace/broker'
 *
 * await using broker = await startBroker()
 * const platform = nodePlatform()
 * const bootstrap = [broker.address]
 * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
 * await client.createTopics([{ name: 'words', partitions: 2 }])
 * const topics = await client.describeTopics(['words', 'numbers'])
 * topics.get('words') // → { name: 'words', partitions: 2, internal: false }
 * topics.has('numbers') // → false
 * await client.listOffsets([{ topic: 'words', partition: 0 }], 'latest') // → [
 * //   { topic: 'words', partition: 0, offset: 0 }
 * // ]
 * ```
 */
export function createLogClient(
  options: LogClientOptions,
): LogClient & GroupAdmin & AsyncDisposable {
  const { platform, bootstrap, connector, clientId } = options
  const { retryTimeoutMs = 30_000, deliveryTimeoutMs = 120_000 } = options
  const logger = naming(options.logger ?? silentLogger, clientId)
  const core = openCore({ platform, bootstrap, connector, logger, retryTimeoutMs })
  const close = async (): Promise<void> => {
    core.sleeper.close()
    await Promise.all([...core.parts].map(part => part.close()))
    await core.connections.close()
  }
  return {
    describeTopics: names => describeTopics(core, names),
    createTopics: topics => createTopics(core, topics),
    topicConfigs: (names, keys) => topicConfigs(core, names, keys),
    deleteTopics: names => deleteTopics(core, names),
    deleteRecords: before => deleteRecords(core, before),
    listOffsets: (partitions, at) => listOffsets(core, partitions, at),
    committedOffsets: (group, partitions) => committedOffsets(core, group, partitions),
    describeGroup: group => describeGroup(core, group),
    commitOffsets: (group, offsets) => commitGroupOffsets(core, group, offsets),
    removeMembers: group => removeMembers(core, group),
    consumer: consumerOptions => new KafkaLogConsumer(core, consumerOptions),
    async producer() {
      const producer = new KafkaLogProducer(core, { deliveryTimeoutMs })
      await producer.open()
      return producer
    },
    async transactionalProducer(transactionOptions) {
      const producer = new KafkaTransactionalProducer(core, {
        ...transactionOptions,
        deliveryTimeoutMs,
      })
      await producer.open()
      return producer
    },
    joinGroup(groupOptions) {
      const member = new KafkaGroupMember(core, groupOptions)
      void member.run()
      return member
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The logger with the client's name in every line. */
function naming(logger: Logger, clientId: string | undefined): Logger {
  if (clientId === undefined) return logger
  return {
    debug: (fields, message) => logger.debug({ clientId, ...fields }, message),
    info: (fields, message) => logger.info({ clientId, ...fields }, message),
    warn: (fields, message) => logger.warn({ clientId, ...fields }, message),
    error: (fields, message) => logger.error({ clientId, ...fields }, message),
  }
}
