import type { Timers } from '../platform/platform.ts'

/**
 * Where a loop sleeps until somebody has something for it. A call of `open` while nobody waits is remembered, so no
 * wake-up is lost between looking for work and going to sleep.
 */
export class Latch {
  readonly #timers: Timers
  #isOpen = false
  #waiting: (() => void) | null = null

  constructor(timers: Timers) {
    this.#timers = timers
  }

  open(): void {
    this.#isOpen = true
    this.#waiting?.()
  }

  /** Resolves when the latch is opened or `timeoutMs` have passed, and closes it again. For one waiter at a time. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isOpen) {
      await new Promise<void>(resolve => {
        const timer = this.#timers.schedule(timeoutMs, resolve)
        this.#waiting = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    this.#waiting = null
    this.#isOpen = false
  }
}
