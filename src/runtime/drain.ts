import type { Task } from './task.ts'

/** Whether all tasks can commit: of none is work in flight that takes time. What waits in their caches goes on, too. */
export function areDrained(tasks: Iterable<Task>): boolean {
  let areDrained = true
  for (const task of tasks) if (!task.isDrained()) areDrained = false
  return areDrained
}

/**
 * Goes on with nothing but work that takes time, until all of it has ended or it is too late; says whether everything can be
 * committed. What has not ended is done again by whoever goes on from the last commit.
 */
export async function drain({
  tasks,
  wait,
  isLate,
}: {
  tasks: () => Iterable<Task>
  /** Resolves when something has ended, or when it is too late. */
  wait: () => Promise<void>
  isLate: () => boolean
}): Promise<boolean> {
  for (;;) {
    for (const task of tasks()) task.completeCalls()
    if (areDrained(tasks())) return true
    if (isLate()) return false
    await wait()
  }
}
