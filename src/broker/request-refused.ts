import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { errorCode, errorName, isRetriable } from '../protocol/error-codes.ts'
import { AppendRefused } from './log/append-refused.ts'

/** A request, or one item of it, that is not granted. The code goes into the response; the message says why. */
export class RequestRefused extends MillraceError {
  override readonly name = 'RequestRefused'
  readonly errorCode: number

  constructor(code: number, message: string, options: { cause?: unknown } = {}) {
    super(isRetriable(code) ? 'LOG_ERROR_RETRIABLE' : 'LOG_ERROR', message, options)
    this.errorCode = code
  }
}

/**
 * What a response says about a failure: the code of a refusal, KAFKA_STORAGE_ERROR when a file failed or is damaged, which
 * the operator is told too. Anything else is a bug and is thrown on.
 */
export function answerTo(
  error: unknown,
  logger: Logger,
): { errorCode: number; errorMessage: string } {
  if (error instanceof RequestRefused || error instanceof AppendRefused) {
    return { errorCode: error.errorCode, errorMessage: error.message }
  }
  if (error instanceof MillraceError) {
    if (error.code !== 'CLOSED') logger.error({ error }, `A request failed: ${error.message}`)
    const code = storageCodes.has(error.code)
      ? errorCode.KAFKA_STORAGE_ERROR
      : errorCode.UNKNOWN_SERVER_ERROR
    return { errorCode: code, errorMessage: `${errorName(code)}: ${error.message}` }
  }
  throw error
}

const storageCodes: ReadonlySet<string> = new Set(['FILE_ERROR', 'CORRUPT_DATA', 'CLOSED'])
