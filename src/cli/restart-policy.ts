import { MillraceError } from '../errors.ts'
import type { ChildEnd } from '../platform/node-child-process.ts'
import type { Random } from '../platform/platform.ts'
import { exitCodeOf } from './exit-code.ts'

/** The pause before the first restart; it doubles with each failure in a row, and is varied by a fifth. */
const firstPauseMs = 200
const longestPauseMs = 30_000
const jitter = 0.2

/** So many failures in a row, over half a minute, and nobody believes that the next start will be another. */
export const failuresToGiveUp = 8

/** A worker that has run for so long has nothing to do with its failures before. */
export const wellAfterMs = 60_000

/** How a worker process ended, and the error that it told of before, if it could. */
export interface WorkerEnd {
  readonly end: ChildEnd
  readonly error: Error | undefined
  /** All instances of the application were asked to stop, by this one or another. */
  readonly stopsAll: boolean
}

export type Verdict =
  | { readonly kind: 'restart'; readonly pauseMs: number; readonly failures: number }
  /** All workers stop: a restart mends nothing. */
  | { readonly kind: 'stopAll'; readonly error: Error }

/**
 * What becomes of a worker that ended without being asked to, after `failures` in a row before it. Whom somebody else
 * killed (an operator, or a system without memory) did not fail. Errors that pass by themselves, as when the brokers are
 * away, are waited out for ever.
 */
export function judge(worker: number, ended: WorkerEnd, failures: number, random: Random): Verdict {
  const { end, error, stopsAll } = ended
  if (error !== undefined && (stopsAll || exitCodeOf(error) === 2)) {
    return { kind: 'stopAll', error }
  }
  if ('signal' in end && fromOutside.has(end.signal)) {
    return { kind: 'restart', pauseMs: pauseMs(0, random), failures }
  }
  const passes = error instanceof MillraceError && error.retriable
  if (failures + 1 >= failuresToGiveUp && !passes) {
    const message =
      `Worker ${worker} failed ${failures + 1} times in a row, the last time because ${reason(ended)} ` +
      `All workers were stopped.`
    return { kind: 'stopAll', error: new MillraceError('WORKER_FAILED', message, { cause: error }) }
  }
  return { kind: 'restart', pauseMs: pauseMs(failures, random), failures: failures + 1 }
}

/** Why a worker ended, as the end of a sentence. */
export function reason({ end, error }: WorkerEnd): string {
  if (error instanceof MillraceError) return `of this: ${error.message} [${error.code}]`
  if (error !== undefined) return `of this: ${error.message}`
  if ('error' in end) return `its process could not be started: ${end.error.message}.`
  return 'code' in end ? `it ended with exit code ${end.code}.` : `it was ended by ${end.signal}.`
}

const fromOutside: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'])

function pauseMs(failures: number, random: Random): number {
  const pause = Math.min(firstPauseMs * 2 ** failures, longestPauseMs)
  return pause * (1 - jitter + (2 * jitter * random.uint32()) / 2 ** 32)
}
