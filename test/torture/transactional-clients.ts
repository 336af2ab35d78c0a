/**
 * Transactional producers of two client libraries behind one door. Whatever goes wrong is thrown; then the producer has lost
 * count and is closed.
 */
import * as platformatic from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

export const TRANSACTION_TIMEOUT_MS = 5_000

export interface OpenTransaction {
  send(topic: string, partition: number, values: readonly string[]): Promise<void>
  /** Commits an offset of partition 0 for a group; undefined for a client that needs a live consumer for it. */
  readonly commitOffset:
    ((group: string, topic: string, offset: number) => Promise<void>) | undefined
  commit(): Promise<void>
  abort(): Promise<void>
}

export interface TransactionalProducer {
  begin(): Promise<OpenTransaction>
  close(): Promise<void>
}

export type ClientLibrary = (
  bootstrap: string,
  transactionalId: string,
) => Promise<TransactionalProducer>

const kafkajs: ClientLibrary = async (bootstrap, transactionalId) => {
  const kafka = new Kafka({
    clientId: transactionalId,
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 30, maxRetryTime: 200, retries: 50 },
  })
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  return {
    async begin() {
      const transaction = await producer.transaction()
      return {
        async send(topic, partition, values) {
          const messages = values.map(value => ({ partition, value }))
          await transaction.send({ topic, acks: -1, messages })
        },
        commitOffset: (consumerGroupId, topic, offset) =>
          transaction.sendOffsets({
            consumerGroupId,
            topics: [{ topic, partitions: [{ partition: 0, offset: String(offset) }] }],
          }),
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
      }
    },
    close: () => producer.disconnect(),
  }
}

const platformaticKafka: ClientLibrary = (bootstrap, transactionalId) => {
  const producer = new platformatic.Producer({
    clientId: transactionalId,
    bootstrapBrokers: [bootstrap],
    serializers: platformatic.stringSerializers,
    idempotent: true,
    transactionalId,
    acks: -1,
    retries: 50,
    retryDelay: 50,
    connectTimeout: 1_000,
    timeout: TRANSACTION_TIMEOUT_MS,
  })
  return Promise.resolve({
    async begin() {
      const transaction = await producer.beginTransaction()
      return {
        async send(topic, partition, values) {
          const messages = values.map(value => ({ topic, partition, key: 'key', value }))
          await transaction.send({ messages })
        },
        commitOffset: undefined,
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
      }
    },
    close: () => producer.close(true),
  })
}

export const clientLibraries = { kafkajs, '@platformatic/kafka': platformaticKafka } as const
