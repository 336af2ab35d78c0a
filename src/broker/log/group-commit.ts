import type { MillraceError } from '../../errors.ts'

interface Waiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Makes a log durable for many writers at once: at most one flush is under way, and everybody who came meanwhile is
 * answered by the next. The first failed flush is the last: the system may have dropped the pages it could not write,
 * and a second fsync that succeeds would say nothing about them (the "fsyncgate" of PostgreSQL, 2018).
 */
export class GroupCommit {
  /** Everything below is durable. */
  durableEnd: number
  /** Set by a failed flush, for ever. */
  failure: MillraceError | undefined
  #waiters: Waiter[] = []
  #wanted = false
  #running: Promise<void> | undefined
  readonly #flush: () => Promise<number>
  readonly #failed: (error: unknown) => MillraceError
  readonly #advanced: () => void

  /**
   * `flush` makes durable what is written when it is called and resolves with the end of that; `advanced` is called
   * when the durable end has moved, before those who wait are answered; `failed` turns what a flush threw into what
   * all waiters get.
   */
  constructor(options: {
    durableEnd: number
    flush: () => Promise<number>
    advanced: () => void
    failed: (error: unknown) => MillraceError
  }) {
    this.durableEnd = options.durableEnd
    this.#flush = options.flush
    this.#advanced = options.advanced
    this.#failed = options.failed
  }

  /** Asks for a flush of what is written by now, without waiting for it. */
  request(): void {
    this.#wanted = true
    this.#running ??= this.#run()
  }

  /** Resolves when everything below the offset is durable; rejects when that can no longer be known. */
  durable(offset: number): Promise<void> {
    if (offset <= this.durableEnd) return Promise.resolve()
    if (this.failure !== undefined) return Promise.reject(this.failure)
    return new Promise((resolve, reject) => {
      this.#waiters.push({ offset, resolve, reject })
      this.request()
    })
  }

  /** Resolves when no flush is under way or wanted. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** The log was cut at `offset`: it may be written again, so those who wait for more get `error`. */
  truncate(offset: number, error: MillraceError): void {
    this.durableEnd = Math.min(this.durableEnd, offset)
    const lost = this.#waiters.filter(waiter => waiter.offset > offset)
    this.#waiters = this.#waiters.filter(waiter => waiter.offset <= offset)
    for (const waiter of lost) waiter.reject(error)
  }

  async #run(): Promise<void> {
    // Appends of the same turn of the event loop share the first flush.
    await Promise.resolve()
    while (this.#wanted && this.failure === undefined) {
      this.#wanted = false
      try {
        const end = await this.#flush()
        if (end > this.durableEnd) {
          this.durableEnd = end
          this.#advanced()
        }
      } catch (error) {
        this.failure = this.#failed(error)
      }
      this.#answer()
    }
    this.#running = undefined
  }

  #answer(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) {
      if (waiter.offset <= this.durableEnd) waiter.resolve()
      else if (this.failure !== undefined) waiter.reject(this.failure)
      else this.#waiters.push(waiter)
    }
  }
}
