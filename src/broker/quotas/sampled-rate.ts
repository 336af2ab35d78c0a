/** Kafka: quota.window.num and quota.window.size.seconds. */
const SAMPLES = 11
const SAMPLE_MS = 1000
/** Bytes of longer ago do not count. */
const MEMORY_MS = SAMPLES * SAMPLE_MS

interface Sample {
  startMs: number
  bytes: number
}

/**
 * Bytes per second over the last ten seconds or so, and how long it takes until they are few enough. Time is that of
 * the monotonic clock. (Kafka: SampledStat, Rate, QuotaUtils.throttleTime.)
 */
export class SampledRate {
  #samples: Sample[] = []

  record(bytes: number, nowMs: number): void {
    const last = this.#samples.at(-1)
    if (last === undefined || nowMs - last.startMs >= SAMPLE_MS) {
      this.#forget(nowMs)
      this.#samples.push({ startMs: nowMs, bytes })
    } else {
      last.bytes += bytes
    }
  }

  /** How long nothing must come until the rate is back at the limit; 0 when it is not above. */
  throttleMs(limit: number, nowMs: number): number {
    this.#forget(nowMs)
    const oldest = this.#samples[0]
    if (oldest === undefined) return 0
    let bytes = 0
    for (const sample of this.#samples) bytes += sample.bytes
    const windowMs = spanMs(nowMs - oldest.startMs)
    const rate = (bytes * 1000) / windowMs
    return rate <= limit ? 0 : Math.round(((rate - limit) / limit) * windowMs)
  }

  /** Nothing of it counts any more: a new one is as good. */
  isOver(nowMs: number): boolean {
    this.#forget(nowMs)
    return this.#samples.length === 0
  }

  #forget(nowMs: number): void {
    while (nowMs - (this.#samples[0]?.startMs ?? Infinity) >= MEMORY_MS) this.#samples.shift()
  }
}

/** A rate that has only begun is taken over ten seconds all the same, so that a first burst is no excess. */
function spanMs(elapsedMs: number): number {
  const missing = Math.max(SAMPLES - 1 - Math.floor(elapsedMs / SAMPLE_MS), 0)
  return elapsedMs + missing * SAMPLE_MS
}

/** Most bytes that a client may get at once under a limit in bytes per second: all of its ten seconds. */
export function burstBytes(limit: number): number {
  return limit * (SAMPLES - 1) * (SAMPLE_MS / 1000)
}
