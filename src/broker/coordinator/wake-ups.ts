import type { Clock, Timer, Timers } from '../../platform/platform.ts'

/** One timer for each subject of a coordinator (a group, a transactional id) that something is due in. */
export interface WakeUps<Subject> {
  /**
   * Calls `tick` at this time of the monotonic clock (milliseconds; Infinity: never), or earlier: an earlier timer of the
   * subject is left as it is, and its tick finds nothing to do and sets the next one.
   */
  wakeAt(subject: Subject, atMs: number, tick: () => void): void
  cancel(subject: Subject): void
  /** Cancels all; none is set any more. */
  stop(): void
}

/** What lies further ahead is looked at in between: timers cannot count that far. */
const LONGEST_DELAY_MS = 24 * 60 * 60 * 1000

export function wakeUps<Subject>(platform: {
  readonly clock: Clock
  readonly timers: Timers
}): WakeUps<Subject> {
  const { clock, timers } = platform
  const running = new Map<Subject, { readonly atMs: number; readonly timer: Timer }>()
  let stopped = false

  function cancel(subject: Subject): void {
    running.get(subject)?.timer.cancel()
    running.delete(subject)
  }

  return {
    wakeAt(subject, atMs, tick) {
      const known = running.get(subject)
      if (stopped || (known !== undefined && known.atMs <= atMs)) return
      cancel(subject)
      if (atMs === Infinity) return
      const delayMs = Math.min(Math.max(atMs - clock.monotonic(), 0), LONGEST_DELAY_MS)
      const timer = timers.schedule(Math.ceil(delayMs), () => {
        running.delete(subject)
        tick()
      })
      running.set(subject, { atMs, timer })
    },
    cancel,
    stop() {
      stopped = true
      for (const { timer } of running.values()) timer.cancel()
      running.clear()
    },
  }
}
