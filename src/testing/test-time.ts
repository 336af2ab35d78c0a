import { nodePlatform } from '../platform/node-platform.ts'
import type { Random, Timer, Timers } from '../platform/platform.ts'
import type { CallSurroundings } from '../runtime/async-calls.ts'
import type { Task } from '../runtime/task.ts'

/** How long a call may really take in a test before it is taken for one that never ends. */
export const defaultPatienceMs = 1000

interface Waiting {
  readonly dueMs: number
  readonly callback: () => void
}

/**
 * The time of a test, which moves when it is told to, for work that takes time: timeouts and pauses before retries are on
 * this clock. Pauses do not vary.
 */
export class TestTime implements CallSurroundings {
  readonly #clock: { now: number }
  readonly #waiting = new Set<Waiting>()
  #isWoken = false
  #onWake: (() => void) | null = null

  constructor(clock: { now: number }) {
    this.#clock = clock
  }

  readonly timers: Timers = {
    schedule: (delayMs, callback): Timer => {
      const waiting = { dueMs: this.#clock.now + delayMs, callback }
      this.#waiting.add(waiting)
      return { cancel: () => void this.#waiting.delete(waiting) }
    },
    yield: () => Promise.resolve(),
  }

  readonly random: Random = { uint32: () => 2 ** 31, bytes: length => Buffer.alloc(length) }

  readonly wake = (): void => {
    this.#isWoken = true
    this.#onWake?.()
  }

  /** Moves the clock forward and calls the timers that are due by it, in their order. */
  advance(ms: number): void {
    const now = this.#clock.now + ms
    for (let next = this.#next(); next !== undefined && next.dueMs <= now; next = this.#next()) {
      this.#waiting.delete(next)
      this.#clock.now = Math.max(this.#clock.now, next.dueMs)
      next.callback()
    }
    this.#clock.now = now
  }

  /**
   * Resolves when the tasks have something to go on with. The clock moves, by `advance`, to the next timer when all calls
   * pause before a retry, or when none of them has ended within `patienceMs` of real time.
   */
  async untilCallsGoOn(
    tasks: readonly Task[],
    advance: (ms: number) => void,
    patienceMs = defaultPatienceMs,
  ): Promise<void> {
    const isPausing = tasks.every(task => task.callAttempts === 0)
    if (!this.#isWoken && !isPausing) await this.#woken(patienceMs)
    const next = this.#next()
    if (!this.#isWoken && next !== undefined) advance(Math.max(0, next.dueMs - this.#clock.now))
    this.#isWoken = false
  }

  #woken(patienceMs: number): Promise<void> {
    return new Promise<void>(resolve => {
      const timer = nodePlatform().timers.schedule(patienceMs, resolve)
      this.#onWake = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  #next(): Waiting | undefined {
    let next: Waiting | undefined
    for (const waiting of this.#waiting) {
      if (next === undefined || waiting.dueMs < next.dueMs) next = waiting
    }
    return next
  }
}
