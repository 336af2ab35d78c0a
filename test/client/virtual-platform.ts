import type { Platform, Timer } from '../../src/platform/platform.ts'

const absent = (): never => {
  throw new Error('this platform has only time and random numbers')
}

interface Waiting {
  readonly dueMs: number
  readonly callback: () => void
}

/**
 * Time that stands still until somebody waits for something, for tests of retries and timeouts. Timers run in the order
 * of their time once everything else has come to rest.
 */
export class VirtualPlatform implements Platform {
  nowMs = 0
  readonly #waiting = new Set<Waiting>()
  #random: number

  constructor(seed = 1) {
    this.#random = seed
  }

  readonly clock = {
    now: (): number => this.nowMs,
    monotonic: (): number => this.nowMs,
    bootId: 'virtual',
  }

  readonly timers = {
    schedule: (delayMs: number, callback: () => void): Timer => {
      const waiting = { dueMs: this.nowMs + delayMs, callback }
      this.#waiting.add(waiting)
      return { cancel: () => void this.#waiting.delete(waiting) }
    },
    yield: (): Promise<void> => Promise.resolve(),
  }

  readonly random = {
    uint32: (): number => {
      this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0
      return this.#random
    },
    bytes: (length: number): Buffer => Buffer.alloc(length, 7),
  }

  readonly files = {
    open: absent,
    read: absent,
    replace: absent,
    list: absent,
    size: absent,
    volume: absent,
    makeFolder: absent,
    rename: absent,
    remove: absent,
    syncFolder: absent,
    lock: absent,
  }

  readonly sockets = { listen: absent, connect: absent }

  get pendingTimers(): number {
    return this.#waiting.size
  }

  /** Lets time pass until the promise is settled; throws when nothing is left that could settle it. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const note = (): void => {
      settled = true
    }
    promise.then(note, note)
    for (;;) {
      await rest()
      if (settled) return promise
      if (!this.#runNext()) throw new Error('nothing is left that could happen')
    }
  }

  /** Lets everything happen that is due within the time. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms
    await rest()
    while (this.#runNext(end)) await rest()
    this.nowMs = end
  }

  #runNext(endMs = Infinity): boolean {
    let next: Waiting | undefined
    for (const waiting of this.#waiting) {
      if (next === undefined || waiting.dueMs < next.dueMs) next = waiting
    }
    if (next === undefined || next.dueMs > endMs) return false
    this.#waiting.delete(next)
    this.nowMs = Math.max(this.nowMs, next.dueMs)
    next.callback()
    return true
  }
}

/** Resolves when no promise has anything left to do. */
const rest = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
