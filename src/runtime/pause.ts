import type { Timers } from '../platform/platform.ts'

/** Resolves after `delayMs`. */
export function pause(timers: Timers, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    timers.schedule(delayMs, resolve)
  })
}
