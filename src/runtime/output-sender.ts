import { LogRefusal } from '../client/errors.ts'
import type { LogProducer, PartitionBatch, PartitionOffset } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import type { ErrorHandlerContext, ProductionErrorContext } from '../topology/exception-handlers.ts'
import type { StreamRecord } from '../topology/record.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import { type Topology, topicsOfSink } from '../topology/topology.ts'
import type { CommitTarget } from './commit.ts'
import { deadLetterFor, errorText } from './dead-letter.ts'
import type { RecordCollector } from './record-collector.ts'

/** Refusals that no record is to blame for, so no handler is asked. `RecordCollectorImpl#isFatalException`. */
const nobodysFault: ReadonlySet<number> = new Set([
  errorCode.UNKNOWN_SERVER_ERROR,
  errorCode.INVALID_TOPIC_EXCEPTION,
  errorCode.TOPIC_AUTHORIZATION_FAILED,
  errorCode.CLUSTER_AUTHORIZATION_FAILED,
  errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  errorCode.SECURITY_DISABLED,
])

/** A production handler wants records that the log did not take for now to be written again, with all that belongs to them. */
export class RetryRequested extends Error {}

/**
 * Sends the outputs of a commit, and asks the production handler about records that the log refuses for good, one by one:
 * those of a refused batch are sent again each by itself, so that only what is to blame is left out. Records of changelogs are
 * never left out. Kafka Streams' `RecordCollectorImpl#recordSendError`.
 */
export class OutputSender implements Pick<LogProducer, 'send'> {
  readonly #producer: LogProducer
  readonly #collector: RecordCollector
  readonly #lookUpTopics: CommitTarget['lookUpTopics']
  readonly #config: ResolvedTaskConfig
  readonly #logger: Logger
  readonly #onDropped: () => void
  readonly #changelogs: ReadonlySet<string>
  /** Of topics with a fixed name, the sink that writes them. */
  readonly #sinks: ReadonlyMap<string, string>

  constructor(options: {
    producer: LogProducer
    collector: RecordCollector
    lookUpTopics: CommitTarget['lookUpTopics']
    topology: Topology
    config: ResolvedTaskConfig
    logger: Logger
    /** Called for each record that the handler leaves out. */
    onDropped: () => void
  }) {
    const { topology } = options
    this.#producer = options.producer
    this.#collector = options.collector
    this.#lookUpTopics = options.lookUpTopics
    this.#config = options.config
    this.#logger = options.logger
    this.#onDropped = options.onDropped
    const changelogs = topology.internalTopics.filter(({ kind }) => kind === 'changelog')
    this.#changelogs = new Set(changelogs.map(({ name }) => name))
    const nodes = topology.subtopologies.flatMap(part => part.nodes)
    this.#sinks = new Map(
      nodes.flatMap(node => topicsOfSink(node).map(topic => [topic, node.name] as const)),
    )
  }

  async send(batches: readonly PartitionBatch[]): Promise<PartitionOffset[]> {
    const refused: { batch: PartitionBatch; error: Error }[] = []
    const sent = await this.#producer.send(batches, (index, error) => {
      const batch = batches[index]
      if (batch !== undefined) refused.push({ batch, error })
    })
    for (const { error, batch } of refused) if (!this.#mayAsk(batch, error)) throw error
    for (const { error, batch } of refused) await this.#sendEach(batch, error)
    await this.#sendDeadLetters()
    return sent
  }

  async #sendDeadLetters(): Promise<void> {
    const collector = this.#collector
    const { unknownTopics } = collector
    if (unknownTopics.length > 0) collector.know(await this.#lookUpTopics(unknownTopics))
    const letters = collector.drain()
    if (letters.length > 0) await this.#producer.send(letters)
  }

  #mayAsk({ topic }: PartitionBatch, error: Error): boolean {
    if (this.#changelogs.has(topic)) return false
    if (error instanceof LogRefusal) return !nobodysFault.has(error.errorCode)
    return error instanceof MillraceError && error.retriable
  }

  /** Sends the records of a refused batch one by one, if they were refused for good. */
  async #sendEach({ topic, partition, batch }: PartitionBatch, reason: Error): Promise<void> {
    const reader = new RecordReader({ checkCrc: false })
    reader.reset(batch)
    while (reader.next()) {
      const { key, value, timestamp, headers } = reader
      let error: Error | undefined = reason
      if (reason instanceof LogRefusal) {
        error = undefined
        const builder = new RecordBatchBuilder()
        builder.append(key, value, timestamp, headers)
        const only = { topic, partition, batch: builder.build() }
        await this.#producer.send([only], (_, refusal) => {
          error = refusal
        })
        if (error !== undefined && !this.#mayAsk(only, error)) throw error
      }
      if (error !== undefined) await this.#ask(error, topic, { key, value, timestamp, headers })
    }
  }

  /** Returns when the record is to be left out; throws what the handler wants else. */
  async #ask(
    error: Error,
    outputTopic: string,
    record: StreamRecord<Buffer | null, Buffer | null>,
  ): Promise<void> {
    const context = this.#contextOf(error, outputTopic, record)
    const answer = this.#config.productionExceptionHandler(error, context)
    const { response, deadLetters } =
      typeof answer === 'string' ? { response: answer, deadLetters: [] } : answer
    if (response === 'retry' && error instanceof MillraceError && error.retriable) {
      throw new RetryRequested(error.message, { cause: error })
    }
    for (const { topic, key, value, timestamp, headers } of deadLetters) {
      this.#collector.topic(topic).append(null, key, value, timestamp, headers)
    }
    if (response !== 'continue') {
      await this.#sendDeadLetters()
      throw error
    }
    this.#onDropped()
    const { nodeName: node } = context
    this.#logger.warn({ node, topic: outputTopic, error }, `A record is left out: ${error.message}`)
  }

  /** Which input the record came from is not known any more, so a dead letter has the record itself. */
  #contextOf(
    error: Error,
    outputTopic: string,
    record: StreamRecord<Buffer | null, Buffer | null>,
  ): ProductionErrorContext {
    const { deadLetterTopic } = this.#config
    const { timestamp, headers } = record
    const copy = (bytes: Buffer | null): Buffer | null =>
      bytes === null ? null : Buffer.from(bytes)
    const place: Omit<ErrorHandlerContext, 'deadLetters'> = {
      topic: null,
      partition: -1,
      offset: -1,
      timestamp,
      headers,
      nodeName: this.#sinks.get(outputTopic) ?? '',
      taskId: '',
      sourceRawKey: null,
      sourceRawValue: null,
    }
    const [key, value] = [copy(record.key), copy(record.value)]
    const source = { ...place, sourceRawKey: key, sourceRawValue: value }
    return {
      ...place,
      origin: 'send',
      outputTopic,
      record: { key, value, timestamp, headers },
      deadLetters: () =>
        deadLetterTopic === undefined || deadLetterTopic === outputTopic
          ? []
          : [deadLetterFor(deadLetterTopic, errorText(error), source)],
    }
  }
}
