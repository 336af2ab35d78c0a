import { MillraceError, type ErrorCode } from '../../errors.ts'
import { errorName, isRetriable } from '../../protocol/error-codes.ts'

/**
 * The log did not take the batches and is as it was before. `errorCode` is Kafka's number for the answer to the
 * producer; the message says which partition, why, and what to do.
 */
export class AppendRefused extends MillraceError {
  override readonly name = 'AppendRefused'
  readonly errorCode: number

  constructor(
    errorCode: number,
    message: string,
    options: { code?: ErrorCode; cause?: unknown } = {},
  ) {
    super(
      options.code ?? (isRetriable(errorCode) ? 'LOG_ERROR_RETRIABLE' : 'LOG_ERROR'),
      `${errorName(errorCode)}: ${message}`,
      options,
    )
    this.errorCode = errorCode
  }
}
