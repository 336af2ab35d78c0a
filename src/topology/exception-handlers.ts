import { MillraceError } from '../errors.ts'
import type { Headers, StreamRecord } from './record.ts'

/**
 * What to do about a record that failed, as its handler decides:
 *
 * - `continue` leaves it out, counts it as dropped and goes on; its offset is committed like any other;
 * - `fail` stops the application with the error;
 * - `retry` sends it again, where that is possible: only records that the log did not take for now. Elsewhere it is `fail`.
 *
 * With `deadLetters`, those records are written besides. `ProductionExceptionHandler.Response` and its like in Kafka
 * Streams, which say RESUME for `continue`.
 */
export type ExceptionResponse = ExceptionDecision | ResponseWithDeadLetters

/** The decision of a handler, without dead letters. */
export type ExceptionDecision = 'continue' | 'fail' | 'retry'

/** The decision of a handler, and what to write about the record. */
export interface ResponseWithDeadLetters {
  readonly response: ExceptionDecision
  readonly deadLetters: readonly DeadLetterRecord[]
}

/**
 * A record for a dead letter topic: usually the input record as it was, with headers that tell the error. The topic is
 * the application's `deadLetterTopic` or one that the topology writes to.
 */
export interface DeadLetterRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

/**
 * Where an error happened: the input record that was being processed, and the node that failed. Kafka Streams'
 * `ErrorHandlerContext`.
 */
export interface ErrorHandlerContext {
  /** Topic of the input record; null in punctuation, which has none. */
  readonly topic: string | null
  /** Its partition; -1 in punctuation. */
  readonly partition: number
  /** Its offset; -1 in punctuation. */
  readonly offset: number
  /** Headers of the record as it came to the node. */
  readonly headers: Headers
  /** Timestamp of the record as it came to the node, in milliseconds since the Unix epoch; of a punctuation, its own. */
  readonly timestamp: number
  /** Name of the node. Kafka's `processorNodeId`. */
  readonly nodeName: string
  /** `<sub-topology>_<partition>`, such as `0_3`. */
  readonly taskId: string
  /** The input record's key as it was read; null when it has none, or in punctuation. A copy. */
  readonly sourceRawKey: Buffer | null
  /** The input record's value as it was read; null when it has none, or in punctuation. A copy. */
  readonly sourceRawValue: Buffer | null
  /**
   * The record that the built-in handlers write to the application's `deadLetterTopic`: raw key and value, headers and
   * timestamp of the input record, and the error in headers `__streams.errors.*` (KIP-1034). Empty without such a topic.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(
   *   builder => builder.stream('in', text).mapValues(word => JSON.parse(word)).to('out', text),
   *   {
   *     deadLetterTopic: 'dead',
   *     processingExceptionHandler: (error, context) =>
   *       error instanceof SyntaxError
   *         ? { response: 'continue', deadLetters: context.deadLetters() }
   *         : 'fail',
   *   },
   * )
   * driver.inputTopic('in', text).pipe('a', 'no JSON')
   * driver.outputTopic('dead', text).read() // → { key: 'a', value: 'no JSON', … }
   * ```
   */
  deadLetters(this: void): readonly DeadLetterRecord[]
}

/** What a deserialization handler is told besides. */
export interface DeserializationErrorContext extends ErrorHandlerContext {
  /** What could not be read. */
  readonly origin: 'key' | 'value'
}

/** What a processing handler is told besides. */
export interface ProcessingErrorContext extends ErrorHandlerContext {
  /** The record that the node was given; null in punctuation. */
  readonly record: StreamRecord<unknown, unknown> | null
}

/** What a production handler is told besides. */
export interface ProductionErrorContext extends ErrorHandlerContext {
  /** What could not be written: `key` and `value` by their serdes, `send` is what the log refused. */
  readonly origin: 'key' | 'value' | 'send'
  /** Where the record was to go. */
  readonly outputTopic: string
  /** The record: keys and values as the stream holds them, as bytes where the log refused it. */
  readonly record: StreamRecord<unknown, unknown>
}

/**
 * Decides about an input record whose key or value its serde could not read; `error` is what the serde threw.
 * `DeserializationExceptionHandler`.
 */
export type DeserializationExceptionHandler = (
  error: unknown,
  context: DeserializationErrorContext,
) => ExceptionResponse

/**
 * Decides about a record in whose processing a node threw `error`. Only that call of the node is given up: what it had
 * forwarded before stays, and whoever called it goes on. `ProcessingExceptionHandler` (KIP-1033).
 */
export type ProcessingExceptionHandler = (
  error: unknown,
  context: ProcessingErrorContext,
) => ExceptionResponse

/**
 * Decides about an output record that could not be serialized or that the log refused. `ProductionExceptionHandler`.
 */
export type ProductionExceptionHandler = (
  error: unknown,
  context: ProductionErrorContext,
) => ExceptionResponse

/**
 * A handler for each kind of error: leaves the record out, with a warning in the log, and puts it into the
 * `deadLetterTopic` if the application has one. Kafka Streams' `LogAndContinueExceptionHandler` and
 * `LogAndContinueProcessingExceptionHandler`.
 *
 * @example
 * ```ts
 * import { json, logAndContinue, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 * import { z } from 'zod'
 *
 * const orders = { key: string(), value: json(z.object({ amount: z.number() })) }
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => builder.stream('orders', orders).to('checked'), {
 *   deserializationExceptionHandler: logAndContinue,
 *   deadLetterTopic: 'unreadable-orders',
 * })
 * driver.inputTopic('orders', text).pipe('a', '{"amount":"three"}')
 * driver.droppedRecords // → 1
 * const letter = driver.outputTopic('unreadable-orders', text).read()
 * letter?.value // → '{"amount":"three"}'
 * const message = letter?.headers.find(({ key }) => key === '__streams.errors.message')
 * message?.value?.toString().startsWith('The JSON does not fit its schema: at amount:') // → true
 * ```
 */
export function logAndContinue(_error: unknown, context: ErrorHandlerContext): ExceptionResponse {
  return { response: 'continue', deadLetters: context.deadLetters() }
}

/**
 * A handler for each kind of error, and the default one: stops the application with the error, after it has put the
 * record into the `deadLetterTopic` if the application has one. Kafka Streams' `LogAndFailExceptionHandler` and
 * `LogAndFailProcessingExceptionHandler`.
 *
 * @example
 * ```ts
 * import { logAndFail, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(
 *   builder => builder.stream('in', text).mapValues(word => JSON.parse(word)).to('out', text),
 *   { processingExceptionHandler: logAndFail },
 * )
 * driver.inputTopic('in', text).pipe('a', 'no JSON') // throws PROCESSING_ERROR
 * ```
 */
export function logAndFail(_error: unknown, context: ErrorHandlerContext): ExceptionResponse {
  return { response: 'fail', deadLetters: context.deadLetters() }
}

/**
 * The default production handler: has records that the log did not take for now written again, and stops the application for
 * others, as `logAndFail` does. Kafka Streams' `DefaultProductionExceptionHandler`.
 */
export function retryOrFail(error: unknown, context: ErrorHandlerContext): ExceptionResponse {
  return error instanceof MillraceError && error.retriable ? 'retry' : logAndFail(error, context)
}
