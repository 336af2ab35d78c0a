import type { Clock, Timer, Timers } from '../../platform/platform.ts'
import type { Group } from './group-state.ts'

/** One timer for each group that something is due in. */
export interface GroupTimers {
  /**
   * Calls `tick` at this time of the monotonic clock (milliseconds; Infinity: never). An earlier timer of the group is left
   * as it is: its tick finds nothing to do and sets the next one.
   */
  wakeAt(group: Group, atMs: number, tick: () => void): void
  cancel(group: Group): void
  /** Cancels all; none is set any more. */
  stop(): void
}

export function groupTimers(platform: {
  readonly clock: Clock
  readonly timers: Timers
}): GroupTimers {
  const { clock, timers } = platform
  const running = new Map<Group, { readonly atMs: number; readonly timer: Timer }>()
  let stopped = false

  function cancel(group: Group): void {
    running.get(group)?.timer.cancel()
    running.delete(group)
  }

  return {
    wakeAt(group, atMs, tick) {
      const known = running.get(group)
      if (stopped || (known !== undefined && known.atMs <= atMs)) return
      cancel(group)
      if (atMs === Infinity) return
      const delayMs = Math.max(atMs - clock.monotonic(), 0)
      const timer = timers.schedule(Math.ceil(delayMs), () => {
        running.delete(group)
        tick()
      })
      running.set(group, { atMs, timer })
    },
    cancel,
    stop() {
      stopped = true
      for (const { timer } of running.values()) timer.cancel()
      running.clear()
    },
  }
}
