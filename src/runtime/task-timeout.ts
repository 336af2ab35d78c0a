import { backoffMs } from '../client/backoff.ts'
import { isRepeatable } from '../client/errors.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import { pause } from './pause.ts'

export interface TaskTimeout {
  readonly platform: Pick<Platform, 'clock' | 'random' | 'timers'>
  readonly logger: Logger
  /** How long in milliseconds after the first failure to go on. */
  readonly taskTimeoutMs: number
}

/**
 * Repeats what one task needs of a log that is in trouble, while the other tasks go on: brokers come back, and coordinators are
 * found again. The client has its own, shorter, patience with each request. Throws at once what no repetition helps against,
 * and what failed last when nothing has helped for `taskTimeoutMs`; also when `signal` is aborted. Kafka Streams'
 * `task.timeout.ms` (KIP-572).
 *
 * `what` is the subject of a sentence.
 */
export async function withinTaskTimeout<T>(
  what: string,
  { platform, logger, taskTimeoutMs }: TaskTimeout,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { clock, random, timers } = platform
  let deadline: number | undefined
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRepeatable(error) || signal?.aborted === true) throw error
      const now = clock.monotonic()
      deadline ??= now + taskTimeoutMs
      if (now >= deadline) throw noProgress(what, taskTimeoutMs, error)
      logger.warn({ what, failures, error }, `${what} cannot go on for now: trying again`)
      await pause(timers, backoffMs(failures, random))
    }
  }
}

const noProgress = (what: string, taskTimeoutMs: number, cause: MillraceError): MillraceError =>
  new MillraceError(
    cause.code,
    `${what} made no progress for ${taskTimeoutMs / 1000} s (taskTimeoutMs). See to the brokers, or give more time. ` +
      `The last failure: ${cause.message}`,
    { cause },
  )
