import type { AssignorTask, Candidate } from './assignor.ts'

/**
 * Where each task ought to run if state moved in no time. Balanced twice: the numbers of tasks that any two members have
 * of one sub-topology differ by one at most, since such tasks cost about the same, and so do the numbers of all their
 * tasks. Sticky within that: a task stays with the member that runs it, or else goes to one that has its state; nothing
 * moves while nobody comes or goes. Tasks without state come last and fill the gaps.
 */
export function placeTasks(
  candidates: readonly Candidate[],
  tasks: readonly AssignorTask[],
): Map<string, Candidate> {
  const shares = candidates.map(candidate => ({ candidate, size: 0 }))
  const homes = new Map<string, Candidate>()
  for (const part of bySubtopology(tasks)) placeSubtopology(part, shares, homes)
  return homes
}

/** Orders `2_10` after `2_9` and before `10_0`. */
export function compareTaskIds(a: string, b: string): number {
  return subtopologyOf(a) - subtopologyOf(b) || partitionOf(a) - partitionOf(b)
}

function subtopologyOf(task: string): number {
  return Number(task.slice(0, task.indexOf('_')))
}

function partitionOf(task: string): number {
  return Number(task.slice(task.indexOf('_') + 1))
}

interface Share {
  readonly candidate: Candidate
  size: number
}

/**
 * Each member gets the same number of tasks, and those with the fewest tasks so far get one more until the rest is used
 * up; among equals it is whoever has more of these tasks already. Then the quotas are filled: with what the member owns,
 * with what it keeps ready, with what it has, with what is left.
 */
function placeSubtopology(
  tasks: readonly string[],
  shares: readonly Share[],
  homes: Map<string, Candidate>,
): void {
  const quota = Math.floor(tasks.length / shares.length)
  const extra = [...shares].sort(byClaim(tasks, shares)).slice(0, tasks.length % shares.length)
  const limits = new Map(
    shares.map(share => [share, share.size + quota + (extra.includes(share) ? 1 : 0)]),
  )
  const open = new Set(awaitedLast(tasks, limits))
  for (const wants of [owns, isReady, hasSome, takes]) {
    for (const [share, limit] of limits) {
      for (const task of open) {
        if (share.size === limit) break
        if (!wants(share.candidate, task)) continue
        homes.set(task, share.candidate)
        share.size++
        open.delete(task)
      }
    }
  }
}

/** Tasks of which somebody has state who has room come last: who runs too many gives these away. */
function awaitedLast(tasks: readonly string[], limits: ReadonlyMap<Share, number>): string[] {
  const hasRoom = ([{ candidate, size }, limit]: readonly [Share, number]): boolean =>
    count(candidate, tasks, owns) < limit - size
  const takers = [...limits].filter(hasRoom).map(([{ candidate }]) => candidate)
  const isAwaited = (task: string): boolean =>
    takers.some(taker => !taker.owned.has(task) && hasSome(taker, task))
  return [...tasks.filter(task => !isAwaited(task)), ...tasks.filter(isAwaited)]
}

const owns = (candidate: Candidate, task: string): boolean => candidate.owned.has(task)
const isReady = (candidate: Candidate, task: string): boolean =>
  candidate.standbys.has(task) || (candidate.hasSome(task) && candidate.isCaughtUp(task))
const hasSome = (candidate: Candidate, task: string): boolean => candidate.hasSome(task)
const takes = (): boolean => true

/**
 * Those with fewer tasks first, then those that run more of these. What else they have counts only when nobody runs any: it
 * changes while standbys move, and where tasks ought to be must not change with it.
 */
function byClaim(
  tasks: readonly string[],
  shares: readonly Share[],
): (a: Share, b: Share) => number {
  const has = (share: Share, wants: typeof owns): number => count(share.candidate, tasks, wants)
  const anew = !shares.some(share => has(share, owns) > 0)
  return (a, b) =>
    a.size - b.size ||
    has(b, owns) - has(a, owns) ||
    (anew ? has(b, isReady) - has(a, isReady) || has(b, hasSome) - has(a, hasSome) : 0)
}

const count = (candidate: Candidate, tasks: readonly string[], wants: typeof owns): number =>
  tasks.filter(task => wants(candidate, task)).length

/** Those with state first. */
function bySubtopology(tasks: readonly AssignorTask[]): string[][] {
  const parts = new Map<string, string[]>()
  for (const { id, isStateful } of tasks) {
    const name = `${isStateful ? 'stateful' : 'stateless'} ${subtopologyOf(id)}`
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [id])
    else part.push(id)
  }
  const stateful = [...parts].filter(([name]) => name.startsWith('stateful'))
  const stateless = [...parts].filter(([name]) => name.startsWith('stateless'))
  return [...stateful, ...stateless].map(([, part]) => part)
}
