import { type ErrorCode, MillraceError } from '../../errors.ts'

/** An error as JSON: the same words as in the process. */
export interface ErrorBody {
  readonly code: ErrorCode | 'INTERNAL_ERROR'
  readonly message: string
  readonly retriable: boolean
}

const statuses: Partial<Record<ErrorCode, number>> = {
  UNKNOWN_STORE: 404,
  KEY_NOT_FOUND: 404,
  INVALID_CONFIG: 400,
  SERDE_ERROR: 400,
  CLOSED: 503,
  CONNECTION_LOST: 502,
}

/** 503 for what may be better in a moment, 500 for what nobody asked for. */
export function statusOf(error: unknown): number {
  if (!(error instanceof MillraceError)) return 500
  return statuses[error.code] ?? (error.retriable ? 503 : 500)
}

export function errorBody(error: unknown): ErrorBody {
  if (error instanceof MillraceError) {
    const { code, message, retriable } = error
    // Another instance has the store when this one has stopped.
    return { code, message, retriable: retriable || code === 'CLOSED' }
  }
  return {
    code: 'INTERNAL_ERROR',
    message: 'The request failed; the log says why.',
    retriable: false,
  }
}

export function errorResponse(error: unknown): Response {
  const status = statusOf(error)
  const headers = status === 503 ? { 'retry-after': '1' } : undefined
  return Response.json(errorBody(error), { status, ...(headers !== undefined && { headers }) })
}
