import { AssertionError } from 'node:assert/strict'

import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type {
  DeadLetterRecord,
  ErrorHandlerContext,
  ExceptionResponse,
  ProductionErrorContext,
} from '../topology/exception-handlers.ts'
import type { Headers, RecordMetadata, StreamRecord } from '../topology/record.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import { deadLetterFor, errorText } from './dead-letter.ts'
import type { Collector } from './record-collector.ts'

/** The input record at work, as it was read. Its bytes are views. */
export interface InputRecord extends RecordMetadata {
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
}

/** The same, while the record is at work: with its event time and its headers. */
export interface InputAtWork extends InputRecord {
  readonly headTimestamp: number
  readonly headers: Headers
}

/** The error for those who must act: a MillraceError is one already. `metadata` is of the input record. */
export function sentenceOf(
  error: unknown,
  where: { nodeName: string; taskId: string; metadata: RecordMetadata | null },
): MillraceError {
  if (error instanceof MillraceError) return error
  const { nodeName, taskId, metadata } = where
  const place =
    metadata === null
      ? ''
      : ` on the record at topic ${metadata.topic}, partition ${metadata.partition}, offset ${metadata.offset}`
  const reason = error instanceof Error ? error.message : String(error)
  return new MillraceError(
    'PROCESSING_ERROR',
    `Processor ${nodeName} of task ${taskId} threw${place}: ${reason}`,
    { cause: error },
  )
}

/** A copy that may be kept: bytes of an input record are part of a larger buffer. */
export function keptInput(input: InputAtWork): InputAtWork {
  const { topic, partition, offset, rawKey, rawValue, headTimestamp, headers } = input
  const raw = { rawKey: rawKey && Buffer.from(rawKey), rawValue: rawValue && Buffer.from(rawValue) }
  return { topic, partition, offset, ...raw, headTimestamp, headers: keptHeaders(headers) }
}

/** The same of headers. */
export function keptHeaders(headers: Headers): Headers {
  if (headers.length === 0) return headers
  return headers.map(({ key, value }) => ({ key, value: value && Buffer.from(value) }))
}

/** An error and where it happened. */
export interface Failure {
  /** What was thrown. */
  readonly error: unknown
  readonly nodeName: string
  /** Null in punctuation. */
  readonly input: InputRecord | null
  /** Of the record as it came to the node. */
  readonly timestamp: number
  readonly headers: Headers
  /** The error for those who must act, which stops the application unless a handler says otherwise. */
  readonly sentence: MillraceError
}

/**
 * Asks the exception handlers about the records of one task that failed, and does what they say. Each method returns when
 * the task goes on without the record, and throws what stops it.
 */
export class TaskErrors {
  /** Records that handlers have left out. */
  dropped = 0
  /** Where dead letters were written to. */
  readonly deadLetterTopics = new Set<string>()
  readonly #taskId: string
  readonly #config: ResolvedTaskConfig
  readonly #collector: Collector
  readonly #logger: Logger
  /** What stops the task. On its way up through the nodes no handler is asked about it again. */
  #fatal: unknown
  #lastRefusal = ''

  constructor(options: TaskErrorsOptions) {
    this.#taskId = options.taskId
    this.#config = options.config
    this.#collector = options.collector
    this.#logger = options.logger
  }

  /** A serde could not read the key or value of an input record. */
  deserializationFailed(failure: Failure, origin: 'key' | 'value'): void {
    const { deserializationExceptionHandler: handler } = this.#config
    const handle: Handle = context => handler(failure.error, { ...context, origin })
    if (!this.#goesOn(failure, 'deserialization', handle)) throw failure.sentence
  }

  /** A node threw while it processed a record, or in punctuation. */
  processingFailed(failure: Failure, record: StreamRecord<unknown, unknown> | null): void {
    if (failure.error === this.#fatal || isNobodysChoice(failure.error)) throw failure.error
    const { processingExceptionHandler: handler } = this.#config
    const handle: Handle = context => handler(failure.error, { ...context, record })
    if (!this.#goesOn(failure, 'processing', handle)) throw this.#stop(failure.sentence)
  }

  /**
   * A serde could not write the key or value of an output record. If that stops the sink, the processing handler is asked
   * about the node that forwarded to it.
   */
  productionFailed(failure: Failure, output: UnwrittenOutput): void {
    const { productionExceptionHandler: handler } = this.#config
    const handle: Handle = context => handler(failure.error, { ...context, ...output })
    if (!this.#goesOn(failure, 'production', handle)) throw failure.sentence
  }

  /** An operator, a source or a store refused the input record; who refused it counts it. */
  refused(
    reason: string,
    { nodeName, input, timestamp, headers }: Omit<Failure, 'error' | 'sentence'>,
  ): void {
    const { deadLetterTopic, deadLetterDroppedRecords } = this.#config
    if (!deadLetterDroppedRecords || deadLetterTopic === undefined || input === null) return
    // One for all the windows of an operator that the record came too late for.
    const refusal = `${nodeName} ${input.topic} ${input.partition} ${input.offset}`
    if (refusal === this.#lastRefusal) return
    this.#lastRefusal = refusal
    const error = { name: 'DroppedRecord', message: reason }
    const source = { ...placeOf(input), ...rawOf(input), timestamp, headers }
    this.#write([deadLetterFor(deadLetterTopic, error, source)])
  }

  /** Whether the task goes on without the record, which is counted then. */
  #goesOn(failure: Failure, kind: string, handle: Handle): boolean {
    const answer = this.#answer(failure, kind, handle)
    const { response, deadLetters } =
      typeof answer === 'string' ? { response: answer, deadLetters: [] } : answer
    this.#write(deadLetters)
    if (response !== 'continue') return false
    this.dropped++
    const { error, nodeName: node, input, sentence } = failure
    const fields = { taskId: this.#taskId, node, error, ...(input && placeOf(input)) }
    this.#logger.warn(fields, `A record is left out: ${sentence.message}`)
    return true
  }

  #answer(failure: Failure, kind: string, handle: Handle): ExceptionResponse {
    try {
      return handle(this.#contextOf(failure))
    } catch (cause) {
      throw this.#stop(
        new MillraceError(
          'PROCESSING_ERROR',
          `The ${kind} exception handler threw ${String(cause)} when it was asked about this error: ${failure.sentence.message}`,
          { cause },
        ),
      )
    }
  }

  #stop(error: MillraceError): MillraceError {
    this.#fatal = error
    return error
  }

  #write(deadLetters: readonly DeadLetterRecord[]): void {
    for (const { topic, key, value, timestamp, headers } of deadLetters) {
      this.#collector.topic(topic).append(null, key, value, timestamp, headers)
      this.deadLetterTopics.add(topic)
    }
  }

  #contextOf({ error, nodeName, input, timestamp, headers }: Failure): ErrorHandlerContext {
    const { deadLetterTopic } = this.#config
    const source = { ...placeOf(input), ...rawOf(input), timestamp, headers }
    return {
      ...source,
      nodeName,
      taskId: this.#taskId,
      deadLetters: () =>
        deadLetterTopic === undefined
          ? []
          : [deadLetterFor(deadLetterTopic, errorText(error), source)],
    }
  }
}

export interface TaskErrorsOptions {
  readonly taskId: string
  readonly config: ResolvedTaskConfig
  readonly collector: Collector
  readonly logger: Logger
}

type Handle = (context: ErrorHandlerContext) => ExceptionResponse

/** The output record that a production handler is asked about. */
export type UnwrittenOutput = Pick<ProductionErrorContext, 'origin' | 'outputTopic' | 'record'>

/** The task has lost its stores or its place in the group, or there is a bug: going on would make it worse. */
function isNobodysChoice(error: unknown): boolean {
  if (error instanceof AssertionError) return true
  return (
    error instanceof MillraceError &&
    (error.code === 'TASK_CORRUPTED' || error.code === 'TASK_MIGRATED')
  )
}

function placeOf(
  input: InputRecord | null,
): Pick<ErrorHandlerContext, 'topic' | 'partition' | 'offset'> {
  if (input === null) return { topic: null, partition: -1, offset: -1 }
  return { topic: input.topic, partition: input.partition, offset: input.offset }
}

/** Copies: the bytes of an input record are part of a larger buffer that is used again. */
function rawOf(
  input: InputRecord | null,
): Pick<ErrorHandlerContext, 'sourceRawKey' | 'sourceRawValue'> {
  const copy = (bytes: Buffer | null | undefined): Buffer | null =>
    bytes ? Buffer.from(bytes) : null
  return { sourceRawKey: copy(input?.rawKey), sourceRawValue: copy(input?.rawValue) }
}
