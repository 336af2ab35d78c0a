/** How long one window is. Two of them, as Kafka's `metrics.sample.window.ms` and `metrics.num.samples` have it by default. */
const windowMs = 30_000

/**
 * Sum and number of measurements since the start, and the average and the largest of the last half to whole minute: a maximum since the
 * start would never go down. Plain numbers; who measures says what time it is. Kafka's `Avg`, `Max` and `CumulativeCount`.
 */
export class RecentStat {
  count = 0
  sum = 0
  #current = emptyWindow(-Infinity)
  #previous = emptyWindow(-Infinity)

  add(value: number, nowMs: number): void {
    this.addMany(1, value, value, nowMs)
  }

  /** Several at once, of which only the sum and the largest are known. */
  addMany(count: number, sum: number, max: number, nowMs: number): void {
    this.#moveTo(nowMs)
    this.count += count
    this.sum += sum
    this.#current.count += count
    this.#current.sum += sum
    if (max > this.#current.max) this.#current.max = max
  }

  /** Undefined when nothing was measured lately. */
  recent(nowMs: number): { readonly avg: number; readonly max: number } | undefined {
    this.#moveTo(nowMs)
    const count = this.#current.count + this.#previous.count
    if (count === 0) return undefined
    const avg = (this.#current.sum + this.#previous.sum) / count
    return { avg, max: Math.max(this.#current.max, this.#previous.max) }
  }

  #moveTo(nowMs: number): void {
    const age = nowMs - this.#current.startMs
    if (age < windowMs) return
    const { startMs } = this.#current
    const left = this.#previous
    this.#previous = this.#current
    if (age < 2 * windowMs) {
      this.#current = reset(left, startMs + windowMs)
    } else {
      // Nothing is recent.
      reset(this.#previous, -Infinity)
      this.#current = reset(left, nowMs)
    }
  }
}

interface Window {
  startMs: number
  count: number
  sum: number
  max: number
}

function emptyWindow(startMs: number): Window {
  return { startMs, count: 0, sum: 0, max: -Infinity }
}

function reset(window: Window, startMs: number): Window {
  window.startMs = startMs
  window.count = 0
  window.sum = 0
  window.max = -Infinity
  return window
}
