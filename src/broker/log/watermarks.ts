import type { CompletedTransaction, ProducerState } from './producer-state.ts'

/**
 * How far readers may see. The high watermark is for all; who reads committed data only sees what is below the last
 * stable offset, where the earliest transaction begins that is open, or whose end is not below the high watermark yet.
 * (Kafka: UnifiedLog.fetchLastStableOffsetMetadata, ProducerStateManager.)
 */
export class Watermarks {
  high: number
  readonly #producers: ProducerState
  /** Ended transactions whose markers are not below the high watermark, in the order of the markers. */
  #unstable: CompletedTransaction[] = []
  readonly #listeners = new Set<(highWatermark: number) => void>()

  constructor(high: number, producers: ProducerState) {
    this.high = high
    this.#producers = producers
  }

  get stable(): number {
    const stable = Math.min(this.high, this.#producers.firstOpenOffset ?? Infinity)
    return this.#unstable.length === 0 ? stable : Math.min(stable, firstOf(this.#unstable))
  }

  /** A transaction has ended. Returns the last stable offset as it will be when its marker can be seen. */
  ended(transaction: CompletedTransaction): number {
    const others = Math.min(firstOf(this.#unstable), this.#producers.firstOpenOffset ?? Infinity)
    if (transaction.lastOffset >= this.high) this.#unstable.push(transaction)
    return Math.min(others, transaction.lastOffset + 1)
  }

  /** The high watermark may go up to `end`. */
  advance(end: number): void {
    if (end <= this.high) return
    this.high = end
    const stillUnstable = this.#unstable.findIndex(({ lastOffset }) => lastOffset >= end)
    if (this.#unstable.length > 0) {
      this.#unstable = stillUnstable < 0 ? [] : this.#unstable.slice(stillUnstable)
    }
    for (const listener of this.#listeners) listener(end)
  }

  /** The log was cut at `end`. */
  truncate(end: number): void {
    this.high = Math.min(this.high, end)
    this.#unstable = this.#unstable.filter(({ lastOffset }) => lastOffset < end)
  }

  /** Calls the listener after every advance; the result ends that. */
  onAdvance(listener: (highWatermark: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#listeners.clear()
  }
}

function firstOf(transactions: readonly CompletedTransaction[]): number {
  return transactions.reduce((first, { firstOffset }) => Math.min(first, firstOffset), Infinity)
}
