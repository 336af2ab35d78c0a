import { strict as assert } from 'node:assert'
import type { Timers } from './platform.ts'

/** Node truncates the time to whole milliseconds at both ends, so that a timer may fire almost one too early. */
const truncationMs = 1

/** A longer `setTimeout` would fire at once, so that long delays are made of several. */
const maxTimeoutMs = 2 ** 31 - 1

export const nodeTimers: Timers = {
  schedule(delayMs, callback) {
    assert(!Number.isNaN(delayMs), 'A delay is a number of milliseconds')
    let remainingMs = delayMs > 0 ? Math.ceil(delayMs) + truncationMs : 0
    let timeout: NodeJS.Timeout
    const wait = (): void => {
      const stepMs = Math.min(remainingMs, maxTimeoutMs)
      remainingMs -= stepMs
      timeout = setTimeout(remainingMs > 0 ? wait : callback, stepMs)
    }
    wait()
    return { cancel: () => clearTimeout(timeout) }
  },

  yield: () => new Promise(resolve => setImmediate(resolve)),
}
