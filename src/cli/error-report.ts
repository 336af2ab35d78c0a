import { MillraceError } from '../errors.ts'
import { exitCodeOf } from './exit-code.ts'

/**
 * What is told of an error: one sentence, and a stack trace only for what is not an operating error. Where closing has failed
 * after it, too, the error that came first is the one to act on: it comes first, and decides the exit code.
 */
export function errorReport(error: unknown): { text: string; exitCode: 1 | 2 } {
  const errors = inOrder(error)
  return { text: errors.map(textOf).join(''), exitCode: exitCodeOf(errors[0]) }
}

/** `await using` wraps an error and that of closing. By name: not every version of Node that runs this has the class. */
function inOrder(error: unknown): unknown[] {
  const isWrapper = error instanceof Error && error.name === 'SuppressedError'
  if (!isWrapper || !('suppressed' in error) || !('error' in error)) return [error]
  return [...inOrder(error.suppressed), ...inOrder(error.error)]
}

function textOf(error: unknown): string {
  if (error instanceof MillraceError) return `error: ${error.message} [${error.code}]\n`
  return `${error instanceof Error ? error.stack : String(error)}\n`
}
