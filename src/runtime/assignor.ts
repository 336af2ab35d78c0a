import { placeStandbys } from './standby-placement.ts'
import { compareTaskIds, placeTasks } from './task-placement.ts'

/** A task, as far as it matters who runs it. */
export interface AssignorTask {
  readonly id: string
  /** It has stores that are restored from the log: where it is to run, these must be. */
  readonly isStateful: boolean
  /** Records to restore where there is nothing of its state. @defaultValue Infinity */
  readonly size?: number
}

export interface AssignorMember {
  readonly memberId: string
  /** Stable across restarts of the instance; orders the members. */
  readonly processId: string
  /** Tasks that the member ran until now. */
  readonly owned: readonly string[]
  /** Tasks whose state it kept ready until now. */
  readonly standbys: readonly string[]
  /** Records that it would have to restore before it runs a task; of others, all there are. */
  readonly lags: ReadonlyMap<string, number>
}

export interface AssignorConfig {
  readonly numStandbyReplicas: number
  readonly maxWarmupReplicas: number
  readonly acceptableRecoveryLag: number
}

/** The task ids of a member, ordered. */
export interface AssignorShare {
  /** Tasks to run. */
  readonly tasks: string[]
  /** Tasks whose state to keep ready, be it for the case of need or because they are to move here. */
  readonly standbys: string[]
}

export interface Assignment {
  /** By member id. */
  readonly shares: ReadonlyMap<string, AssignorShare>
  /** Tasks are to move as soon as their state is where they go: look again later. */
  readonly awaitsWarmup: boolean
}

/**
 * Decides which instance runs which task, and which keep its state ready. Pure and deterministic: the same members and
 * tasks, in whatever order, give the same answer, so it can be checked by properties and replayed from a log.
 *
 * Where tasks ought to be is decided first (`task-placement.ts`: balanced and sticky). But a task moves only to a member
 * that has its state up to `acceptableRecoveryLag` records, or as much of it as anybody. Otherwise it stays where its
 * state is, or goes there, and the member where it ought to be warms up: it keeps the state as a standby does, and gets
 * the task at a later look. No more than `maxWarmupReplicas` do so at a time. Kafka Streams'
 * `HighAvailabilityTaskAssignor` (KIP-441).
 */
export function assignTasks(
  members: readonly AssignorMember[],
  tasks: readonly AssignorTask[],
  config: AssignorConfig,
): Assignment {
  const sizes = new Map(tasks.map(({ id, size = Infinity }) => [id, size]))
  const candidates = [...members]
    .sort(byProcess)
    .map(member => new Candidate(member, sizes, config))
  if (candidates.length === 0) return { shares: new Map(), awaitsWarmup: false }
  const ordered = [...tasks].sort((a, b) => compareTaskIds(a.id, b.id))
  const homes = placeTasks(candidates, ordered)
  const stateful = ordered.filter(task => task.isStateful).map(({ id }) => id)
  const runners = new Map(homes)
  for (const id of stateful) {
    const home = homes.get(id)
    if (home !== undefined) runners.set(id, whoCanRun(id, home, candidates))
  }
  const standbys = placeStandbys({ candidates, stateful, homes, runners, config })
  const shares = new Map<string, AssignorShare>(
    candidates.map(({ memberId }) => [memberId, { tasks: [], standbys: [] }]),
  )
  for (const { id } of ordered) {
    const runner = runners.get(id)
    if (runner !== undefined) shares.get(runner.memberId)?.tasks.push(id)
    for (const member of standbys.places.get(id) ?? []) {
      shares.get(member.memberId)?.standbys.push(id)
    }
  }
  return { shares, awaitsWarmup: standbys.awaitsWarmup }
}

/** A member of the group, as a place for tasks. */
export class Candidate {
  readonly memberId: string
  readonly processId: string
  readonly owned: ReadonlySet<string>
  readonly standbys: ReadonlySet<string>
  readonly #lags: ReadonlyMap<string, number>
  readonly #sizes: ReadonlyMap<string, number>
  readonly #acceptableLag: number

  constructor(
    member: AssignorMember,
    sizes: ReadonlyMap<string, number>,
    { acceptableRecoveryLag }: AssignorConfig,
  ) {
    this.#sizes = sizes
    this.memberId = member.memberId
    this.processId = member.processId
    this.owned = new Set(member.owned)
    this.standbys = new Set(member.standbys)
    this.#lags = member.lags
    this.#acceptableLag = acceptableRecoveryLag
  }

  lag(task: string): number {
    return this.#lags.get(task) ?? this.#sizes.get(task) ?? Infinity
  }

  hasSome(task: string): boolean {
    return this.#lags.has(task)
  }

  isCaughtUp(task: string): boolean {
    return this.lag(task) <= this.#acceptableLag
  }

  /** It ran the task or kept its state until now. */
  holds(task: string): boolean {
    return this.owned.has(task) || this.standbys.has(task)
  }
}

/** Where a task ought to be, unless others have more of its state: then the best of those. */
function whoCanRun(task: string, home: Candidate, candidates: readonly Candidate[]): Candidate {
  if (home.isCaughtUp(task)) return home
  const better = candidates.filter(candidate => candidate.lag(task) < home.lag(task))
  const rank = (candidate: Candidate): number => {
    if (!candidate.isCaughtUp(task)) return 3
    if (candidate.owned.has(task)) return 0
    return candidate.standbys.has(task) ? 1 : 2
  }
  better.sort((a, b) => rank(a) - rank(b) || a.lag(task) - b.lag(task))
  return better[0] ?? home
}

function byProcess(a: AssignorMember, b: AssignorMember): number {
  if (a.processId !== b.processId) return a.processId < b.processId ? -1 : 1
  return a.memberId < b.memberId ? -1 : 1
}
