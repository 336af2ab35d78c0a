import { isRepeatable, LogRefusal } from '../client/errors.ts'
import type { PartitionBatch } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { codecOf } from '../protocol/compression.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { codecId } from '../protocol/record-batch.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import type { ErrorHandlerContext, ProductionErrorContext } from '../topology/exception-handlers.ts'
import type { StreamRecord } from '../topology/record.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import { type Topology, topicsOfSink } from '../topology/topology.ts'
import type { CommitTarget } from './commit.ts'
import { CommitUndone, StopRequested } from './commit-log.ts'
import { deadLetterFor, errorText } from './dead-letter.ts'
import type { RecordCollector } from './record-collector.ts'

/** Refusals that no record is to blame for, so no handler is asked. `RecordCollectorImpl#isFatalException`, and transactions. */
const nobodysFault: ReadonlySet<number> = new Set([
  errorCode.UNKNOWN_SERVER_ERROR,
  errorCode.INVALID_TOPIC_EXCEPTION,
  errorCode.TOPIC_AUTHORIZATION_FAILED,
  errorCode.CLUSTER_AUTHORIZATION_FAILED,
  errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  errorCode.SECURITY_DISABLED,
  errorCode.INVALID_TXN_STATE,
])

/**
 * Asks the production handler about records that the log refuses for good, one by one: of a refused batch only what is to
 * blame is left out. Records of changelogs never are. Kafka Streams' `RecordCollectorImpl#recordSendError`.
 */
export class RefusedOutputs {
  readonly #collector: RecordCollector
  readonly #lookUpTopics: CommitTarget['lookUpTopics']
  readonly #config: ResolvedTaskConfig
  readonly #logger: Logger
  readonly #onDropped: () => void
  readonly #changelogs: ReadonlySet<string>
  /** Of topics with a fixed name, the sink that writes them. */
  readonly #sinks: ReadonlyMap<string, string>

  constructor(options: {
    /** Empty while a commit is being sent, so it can take dead letters. */
    collector: RecordCollector
    lookUpTopics: CommitTarget['lookUpTopics']
    topology: Topology
    config: ResolvedTaskConfig
    logger: Logger
    /** Called for each record that the handler leaves out. */
    onDropped: () => void
  }) {
    const { topology } = options
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

  /** Throws the error with which a batch failed when no record is to blame for it. */
  mustBeAskable({ topic }: PartitionBatch, error: Error): void {
    if (this.#changelogs.has(topic)) throw error
    const isAskable =
      error instanceof LogRefusal ? !nobodysFault.has(error.errorCode) : isRepeatable(error)
    if (!isAskable) throw error
  }

  /**
   * The records of a batch without those that are left out, each in a batch of its own. `trySend` says why the log refuses a
   * record, if it does; it is not asked when the log took nothing at all. Throws what the handler wants else.
   */
  async sift(
    { topic, partition, batch }: PartitionBatch,
    reason: Error,
    trySend: (only: PartitionBatch) => Promise<Error | undefined>,
  ): Promise<PartitionBatch[]> {
    const kept: PartitionBatch[] = []
    const reader = new RecordReader({ checkCrc: false })
    reader.reset(batch)
    // A record that the log takes only when it is compressed must not be blamed for a batch.
    const codec = codecOf(codecId(batch)) ?? 'none'
    while (reader.next()) {
      const { key, value, timestamp, headers } = reader
      const builder = new RecordBatchBuilder()
      builder.append(key, value, timestamp, headers)
      const only = { topic, partition, batch: builder.build({ codec }) }
      let error: Error | undefined = reason
      if (reason instanceof LogRefusal) {
        error = await trySend(only)
        if (error !== undefined) this.mustBeAskable(only, error)
      }
      if (error === undefined) kept.push(only)
      else this.#ask(error, topic, { key, value, timestamp, headers })
    }
    return kept
  }

  /** What the handler wants to be written about the records it was asked about. */
  async takeDeadLetters(): Promise<PartitionBatch[]> {
    const collector = this.#collector
    const { unknownTopics } = collector
    if (unknownTopics.length > 0) collector.know(await this.#lookUpTopics(unknownTopics))
    return collector.drain()
  }

  /** Returns when the record is to be left out; throws what the handler wants else. */
  #ask(
    error: Error,
    outputTopic: string,
    record: StreamRecord<Buffer | null, Buffer | null>,
  ): void {
    const context = this.#contextOf(error, outputTopic, record)
    const answer = this.#config.productionExceptionHandler(error, context)
    const { response, deadLetters } =
      typeof answer === 'string' ? { response: answer, deadLetters: [] } : answer
    if (response === 'retry' && error instanceof MillraceError && error.retriable) {
      throw new CommitUndone(error.message, { cause: error })
    }
    for (const { topic, key, value, timestamp, headers } of deadLetters) {
      this.#collector.topic(topic).append(null, key, value, timestamp, headers)
    }
    if (response !== 'continue') throw new StopRequested(error.message, { cause: error })
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
