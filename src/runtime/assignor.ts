/**
 * Decides which instance runs which task. Pure and deterministic: the same members and tasks, in whatever order, give
 * the same answer, so it can be checked by properties and replayed from a log.
 *
 * Balanced: the numbers of tasks of any two members differ by one at most. Sticky: within that bound a task stays with
 * the member that runs it, or else goes to one that has its state on disk. What remains goes to the member with the
 * fewest tasks, and among equals to the one with the fewest of the same sub-topology, because tasks of one
 * sub-topology cost about the same. In the spirit of Kafka Streams' `StickyTaskAssignor`; there are no warm-up
 * replicas.
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

/** Returns the ids of each member's tasks, in the order of `tasks`. Every task is given to exactly one member. */
export function assignTasks(
  members: readonly AssignorMember[],
  tasks: readonly string[],
): Map<string, string[]> {
  const shares = [...members].sort(byProcess).map(member => new Share(member))
  if (shares.length === 0) return new Map()
  const limit = new Limit(tasks.length, shares.length)
  let open = [...tasks].sort(compareTaskIds)
  for (const keepsTask of [ownsTask, storesTask]) {
    open = open.filter(task => !keep(task, shares, limit, keepsTask))
  }
  for (const task of open) leastLoaded(shares, subtopologyOf(task)).add(task)
  return new Map(
    shares.map(share => [share.member.memberId, share.tasks.sort(compareTaskIds)] as const),
  )
}

/** Orders `2_10` after `2_9` and before `10_0`. */
export function compareTaskIds(a: string, b: string): number {
  return subtopologyOf(a) - subtopologyOf(b) || partitionOf(a) - partitionOf(b)
}

class Share {
  readonly member: AssignorMember
  readonly owned: ReadonlySet<string>
  readonly stored: ReadonlySet<string>
  readonly tasks: string[] = []
  readonly #bySubtopology = new Map<number, number>()

  constructor(member: AssignorMember) {
    this.member = member
    this.owned = new Set(member.owned)
    this.stored = new Set(member.stored)
  }

  add(task: string): void {
    const subtopology = subtopologyOf(task)
    this.tasks.push(task)
    this.#bySubtopology.set(subtopology, this.countOf(subtopology) + 1)
  }

  countOf(subtopology: number): number {
    return this.#bySubtopology.get(subtopology) ?? 0
  }
}

/** Every member may have `floor` tasks and as many members as there are tasks left over may have one more. */
class Limit {
  readonly #floor: number
  #extra: number

  constructor(tasks: number, members: number) {
    this.#floor = Math.floor(tasks / members)
    this.#extra = tasks % members
  }

  /** Whether a member with `load` tasks may take one more; taking the one above the floor uses up an extra place. */
  allows(load: number): boolean {
    if (load < this.#floor) return true
    if (load > this.#floor || this.#extra === 0) return false
    this.#extra--
    return true
  }
}

function ownsTask(share: Share, task: string): boolean {
  return share.owned.has(task)
}

function storesTask(share: Share, task: string): boolean {
  return share.stored.has(task)
}

function keep(
  task: string,
  shares: readonly Share[],
  limit: Limit,
  keepsTask: (share: Share, task: string) => boolean,
): boolean {
  const share = shares.find(
    candidate => keepsTask(candidate, task) && limit.allows(candidate.tasks.length),
  )
  share?.add(task)
  return share !== undefined
}

function leastLoaded(shares: readonly Share[], subtopology: number): Share {
  return shares.reduce((best, share) => {
    const difference = share.tasks.length - best.tasks.length
    const closer = difference || share.countOf(subtopology) - best.countOf(subtopology)
    return closer < 0 ? share : best
  })
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
