import type { Timers } from '../../platform/platform.ts'
import type { Group } from './group-state.ts'

/** What somebody waits for who cannot be told that a transaction has not ended, and until when. */
export interface StableWait {
  isStable(group: Group): boolean
  /** Milliseconds after which the waiting ends without it. */
  readonly timeoutMs: number
  /** Ends the waiting too. */
  readonly ended: AbortSignal
}

export interface StableWaits {
  wait(group: Group, wait: StableWait): Promise<void>
  /** Lets those go on for whom the group is stable now. */
  changed(group: Group): void
  /** Lets all go on; nobody waits any more. */
  stop(): void
}

export function stableWaits(timers: Timers): StableWaits {
  const waiting = new Map<Group, Set<{ readonly wait: StableWait; readonly end: () => void }>>()
  let stopped = false

  function begin(group: Group, wait: StableWait, done: () => void): void {
    const others = waiting.get(group) ?? new Set()
    waiting.set(group, others)
    const end = (): void => {
      timer.cancel()
      wait.ended.removeEventListener('abort', end)
      others.delete(waiter)
      if (others.size === 0 && waiting.get(group) === others) waiting.delete(group)
      done()
    }
    const waiter = { wait, end }
    others.add(waiter)
    const timer = timers.schedule(wait.timeoutMs, end)
    wait.ended.addEventListener('abort', end)
  }

  return {
    wait(group, wait) {
      if (stopped || wait.ended.aborted || wait.isStable(group)) return Promise.resolve()
      return new Promise(resolve => begin(group, wait, resolve))
    },
    changed(group) {
      for (const { wait, end } of waiting.get(group) ?? []) if (wait.isStable(group)) end()
    },
    stop() {
      stopped = true
      for (const waiters of waiting.values()) for (const { end } of waiters) end()
    },
  }
}
