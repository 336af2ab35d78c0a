import { MillraceError } from '../errors.ts'

/** Something that a task keeps is not what was written: its stores are wiped and restored. `what` says which thing. */
export function taskCorrupted(what: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'TASK_CORRUPTED',
    `${what} is damaged: ${reason}. The task's stores must be wiped and restored from their changelogs.`,
    { cause },
  )
}

/** An error of the storage engine as an error of the task that uses it: damage is TASK_CORRUPTED, others stay as they are. */
export function asTaskError(error: unknown, what: string): unknown {
  const isDamage = error instanceof MillraceError && error.code === 'CORRUPT_DATA'
  return isDamage ? taskCorrupted(what, error.message, error) : error
}
