import type { DeadLetterRecord } from '../topology/exception-handlers.ts'
import type { Header, Headers } from '../topology/record.ts'

/** What a dead letter tells of the record that failed. */
export interface DeadLetterSource {
  /** Null in punctuation. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: Headers
  readonly sourceRawKey: Buffer | null
  readonly sourceRawValue: Buffer | null
}

/** An error as text. */
export interface ErrorText {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/**
 * The record for the dead letter topic: the input record as it was read, and behind its own headers those that tell the
 * error. `ExceptionHandlerUtils#buildDeadLetterQueueRecord` (KIP-1034).
 */
export function deadLetterFor(
  deadLetterTopic: string,
  error: ErrorText,
  source: DeadLetterSource,
): DeadLetterRecord {
  const { topic, partition, offset, timestamp, headers, sourceRawKey, sourceRawValue } = source
  const { name, message, stack } = error
  return {
    topic: deadLetterTopic,
    key: sourceRawKey,
    value: sourceRawValue,
    timestamp,
    headers: [
      ...headers,
      header('exception', name),
      header('message', message),
      ...(stack === undefined ? [] : [header('stacktrace', stack)]),
      header('topic', topic),
      header('partition', String(partition)),
      header('offset', String(offset)),
    ],
  }
}

/** What headers can say of whatever was thrown. */
export function errorText(error: unknown): ErrorText {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) }
  const { constructor, message, stack } = error
  return { name: constructor.name, message, ...(stack !== undefined && { stack }) }
}

function header(what: string, text: string | null): Header {
  return { key: `__streams.errors.${what}`, value: text === null ? null : Buffer.from(text) }
}
