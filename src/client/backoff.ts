import { MillraceError } from '../errors.ts'
import type { Clock, Random, Timer, Timers } from '../platform/platform.ts'
import { isRepeatable } from './errors.ts'

/**
 * The one retry policy of the client: pauses of 50 ms, doubling up to one second, each varied by a fifth so that
 * clients that failed together do not come back together.
 */
export const firstBackoffMs = 50
export const longestBackoffMs = 1000
const jitter = 0.2

/** The pause in milliseconds before retry number `failures` (from 1). */
export function backoffMs(failures: number, random: Random): number {
  const exponent = Math.min(Math.max(failures, 1) - 1, 10)
  const base = Math.min(firstBackoffMs * 2 ** exponent, longestBackoffMs)
  const share = random.uint32() / 2 ** 32
  return base * (1 - jitter + 2 * jitter * share)
}

/** Pauses that end at once when their owner closes, so that no timer outlives it. */
export class Sleeper {
  readonly #timers: Timers
  readonly #sleeping = new Map<Timer, (slept: boolean) => void>()
  #closed = false

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Resolves true after `delayMs`, false when closed before. */
  sleep(delayMs: number): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    return new Promise(resolve => {
      const timer = this.#timers.schedule(delayMs, () => {
        this.#sleeping.delete(timer)
        resolve(true)
      })
      this.#sleeping.set(timer, resolve)
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    for (const [timer, resolve] of this.#sleeping) {
      timer.cancel()
      resolve(false)
    }
    this.#sleeping.clear()
  }
}

export interface RetryContext {
  readonly clock: Clock
  readonly random: Random
  readonly sleeper: Sleeper
  /** How long in milliseconds to go on trying. */
  readonly retryTimeoutMs: number
}

/**
 * Calls `attempt` until it succeeds, fails with an error that no repetition helps against, or the time is used up: then the last
 * error is thrown. `task` completes "Closed while …".
 */
export async function retrying<T>(
  context: RetryContext,
  task: string,
  attempt: () => Promise<T>,
): Promise<T> {
  const { clock, random, sleeper, retryTimeoutMs } = context
  const deadline = clock.monotonic() + retryTimeoutMs
  for (let failures = 1; ; failures += 1) {
    if (sleeper.closed) throw new MillraceError('CLOSED', `The client was closed while ${task}.`)
    try {
      return await attempt()
    } catch (error) {
      if (!isRepeatable(error)) throw error
      const pauseMs = backoffMs(failures, random)
      if (clock.monotonic() + pauseMs > deadline) throw error
      await sleeper.sleep(pauseMs)
    }
  }
}
