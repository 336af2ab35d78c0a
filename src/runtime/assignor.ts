/**
 * Decides which instance runs which task. Pure and deterministic: the same members and tasks, in whatever order, give
 * the same answer, so it can be checked by properties and replayed from a log.
 *
 * Balanced twice: the numbers of tasks that any two members have of one sub-topology differ by one at most, since such
 * tasks cost about the same, and so do the numbers of all their tasks. Sticky within that: a task stays with the member
 * that runs it, or else goes to one that has its state on disk; nothing moves while nobody comes or goes. In the spirit
 * of Kafka Streams' `StickyTaskAssignor`; there are no warm-up replicas.
 */
export interface AssignorMember {
  readonly memberId: string
  /** Stable across restarts of the instance; orders the members. */
  readonly processId: string
  /** Tasks that the member ran until now. */
  readonly owned: readonly string[]
  /** Tasks whose state the member has on disk. */
  readonly stored: readonly string[]
}

/** Returns the ids of each member's tasks, ordered. Every task is given to exactly one member. */
export function assignTasks(
  members: readonly AssignorMember[],
  tasks: readonly string[],
): Map<string, string[]> {
  const shares = [...members].sort(byProcess).map(newShare)
  if (shares.length > 0) {
    for (const part of bySubtopology(tasks)) assignSubtopology(part, shares)
  }
  return new Map(shares.map(share => [share.memberId, share.tasks.sort(compareTaskIds)]))
}

/** Orders `2_10` after `2_9` and before `10_0`. */
export function compareTaskIds(a: string, b: string): number {
  return subtopologyOf(a) - subtopologyOf(b) || partitionOf(a) - partitionOf(b)
}

interface Share {
  readonly memberId: string
  readonly owned: ReadonlySet<string>
  readonly stored: ReadonlySet<string>
  readonly tasks: string[]
}

function newShare({ memberId, owned, stored }: AssignorMember): Share {
  return { memberId, owned: new Set(owned), stored: new Set(stored), tasks: [] }
}

/**
 * Each member gets the same number of tasks, and those with the fewest tasks so far get one more until the rest is used
 * up; among equals it is whoever has more of these tasks already. Then the quotas are filled: with what the member owns,
 * with what it has stored, with what is left.
 */
function assignSubtopology(tasks: readonly string[], shares: readonly Share[]): void {
  const quota = Math.floor(tasks.length / shares.length)
  const extra = [...shares].sort(byClaim(tasks)).slice(0, tasks.length % shares.length)
  const limits = new Map(
    shares.map(share => [share, share.tasks.length + quota + (extra.includes(share) ? 1 : 0)]),
  )
  const open = new Set(tasks)
  for (const wants of [ownsTask, storesTask, takesTask]) {
    for (const [share, limit] of limits) {
      for (const task of open) {
        if (share.tasks.length === limit) break
        if (!wants(share, task)) continue
        share.tasks.push(task)
        open.delete(task)
      }
    }
  }
}

/** Those with fewer tasks first, then those that run more of these, then those that have more of them stored. */
function byClaim(tasks: readonly string[]): (a: Share, b: Share) => number {
  const count = (held: ReadonlySet<string>): number => tasks.filter(task => held.has(task)).length
  return (a, b) =>
    a.tasks.length - b.tasks.length ||
    count(b.owned) - count(a.owned) ||
    count(b.stored) - count(a.stored)
}

const ownsTask = (share: Share, task: string): boolean => share.owned.has(task)
const storesTask = (share: Share, task: string): boolean => share.stored.has(task)
const takesTask = (): boolean => true

function bySubtopology(tasks: readonly string[]): string[][] {
  const parts = new Map<number, string[]>()
  for (const task of [...tasks].sort(compareTaskIds)) {
    const part = parts.get(subtopologyOf(task))
    if (part === undefined) parts.set(subtopologyOf(task), [task])
    else part.push(task)
  }
  return [...parts.values()]
}

function byProcess(a: AssignorMember, b: AssignorMember): number {
  if (a.processId !== b.processId) return a.processId < b.processId ? -1 : 1
  return a.memberId < b.memberId ? -1 : 1
}

function subtopologyOf(task: string): number {
  return Number(task.slice(0, task.indexOf('_')))
}

function partitionOf(task: string): number {
  return Number(task.slice(task.indexOf('_') + 1))
}
