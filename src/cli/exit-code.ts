import { type ErrorCode, MillraceError } from '../errors.ts'

/** What nobody but the caller can mend: the call, the app, or what it finds in the cluster. */
const calledWrongly: ReadonlySet<ErrorCode> = new Set([
  'INVALID_CONFIG',
  'INVALID_APP',
  'INVALID_TOPOLOGY',
  'MISSING_TOPIC',
  'WRONG_PARTITIONS',
])

/**
 * Exit codes of all commands: 0 done, 1 failed while working, 2 called wrongly: the same call would fail again. Whoever is
 * cut by a second signal ends with `cutBySignal`.
 */
export function exitCodeOf(error: unknown): 1 | 2 {
  return error instanceof MillraceError && calledWrongly.has(error.code) ? 2 : 1
}

/** What shells give for SIGINT, and here for any second signal. */
export const cutBySignal = 130
