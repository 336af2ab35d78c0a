import { MillraceError } from '../errors.ts'

/** Whether the stores of a task are damaged: they must be wiped and restored, and nothing else is lost. */
export function isCorruption(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === 'TASK_CORRUPTED'
}
