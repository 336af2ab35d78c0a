import { EventQueue } from './event-queue.ts'
import { seededRandom, type SeededRandom } from './seeded-random.ts'
import { createTrace, type WritableTrace } from './trace.ts'

/**
 * One process from its start to its end. What is queued for it happens only while it is alive: nothing ever calls back
 * into a process that ended.
 */
export interface Life {
  readonly machine: string
  readonly pid: number
  alive: boolean
}

/** What the parts of a simulation share: virtual time, the future, randomness and the trace. */
export class World {
  readonly seed: number
  readonly trace: WritableTrace = createTrace()
  readonly #queue = new EventQueue<Life | undefined>()
  #nowMs = 0
  #lives = 0

  constructor(seed: number) {
    this.seed = seed
  }

  /** Virtual milliseconds since the start of the simulation. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Lets time pass while code runs. */
  spend(ms: number): void {
    this.#nowMs += ms
  }

  /** Queues `run` for a virtual time; without a life it belongs to the test. Returns how to prevent it. */
  at(timeMs: number, life: Life | undefined, run: () => void): () => void {
    if (life?.alive === false) return () => {}
    const event = this.#queue.add(Math.max(timeMs, this.#nowMs), life, run)
    return () => this.#queue.remove(event)
  }

  after(delayMs: number, life: Life | undefined, run: () => void): () => void {
    return this.at(this.#nowMs + delayMs, life, run)
  }

  /** Lets the next event happen; false when there is none up to that time. */
  step(untilMs: number): boolean {
    const event = this.#queue.next(untilMs)
    if (event === undefined) return false
    this.#nowMs = Math.max(this.#nowMs, event.timeMs)
    event.run()
    return true
  }

  /** Nothing will ever happen unless somebody outside does something. */
  get isStill(): boolean {
    return this.#queue.isEmpty
  }

  beginLife(machine: string): Life {
    this.#lives += 1
    return { machine, pid: 1000 + this.#lives, alive: true }
  }

  endLife(life: Life): void {
    life.alive = false
    this.#queue.removeAllOf(life)
  }

  random(name: string): SeededRandom {
    return seededRandom(this.seed, name)
  }

  record(who: string, what: string): void {
    this.trace.add(`${this.#nowMs.toFixed(3)} ${who}: ${what}`)
  }
}
