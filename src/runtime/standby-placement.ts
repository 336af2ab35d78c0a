import { crc32c } from '../protocol/crc32c.ts'
import type { AssignorConfig, Candidate } from './assignor.ts'

/** Who has each task, or is to have it. */
type Places = ReadonlyMap<string, Candidate>

/**
 * Who keeps the state of tasks ready beside the member that runs them: `numStandbyReplicas` standbys of each task, and up to
 * `maxWarmupReplicas` warm-ups, which are members to which a task or a standby is to move when they have its state. Where
 * standbys ought to be follows from where tasks ought to be and from nothing else, so looking again and again comes to an
 * end; until somebody there is ready, one that is ready stays.
 */
export function placeStandbys(options: {
  candidates: readonly Candidate[]
  /** Ids of the tasks that have state. */
  stateful: readonly string[]
  /** Where all tasks ought to be, and where they are for now. */
  homes: Places
  runners: Places
  config: AssignorConfig
}): { places: ReadonlyMap<string, ReadonlySet<Candidate>>; awaitsWarmup: boolean } {
  const { candidates, stateful, homes, runners, config } = options
  const ideal = idealStandbys(options)
  const places = new Map<string, Set<Candidate>>()
  const wanted: Warmup[] = []
  for (const task of stateful) {
    const home = homes.get(task)
    const runner = runners.get(task)
    const standbys = new Set<Candidate>()
    places.set(task, standbys)
    const isReady = (candidate: Candidate): boolean =>
      candidate.isCaughtUp(task) && candidate !== runner && candidate !== home
    const holders = candidates.filter(candidate => candidate.holds(task) && isReady(candidate))
    // Who ran it until now has all of its state, but those that were standbys are to stay such.
    holders.sort((a, b) => Number(b.standbys.has(task)) - Number(a.standbys.has(task)))
    const others = holders.filter(holder => ideal.get(task)?.has(holder) !== true)
    for (const place of ideal.get(task) ?? []) {
      // Where the task still runs, it ought to be a standby: until then, the other way round.
      const to = place === runner ? home : place
      if (to === undefined || to === runner) continue
      const stays = to.isCaughtUp(task) ? undefined : others.shift()
      standbys.add(stays ?? to)
      if (stays !== undefined) wanted.push({ task, to })
    }
    if (home !== undefined && home !== runner) wanted.push({ task, to: home })
  }
  const hasBegun = ({ task, to }: Warmup): number => (to.standbys.has(task) ? 0 : 1)
  wanted.sort((a, b) => hasBegun(a) - hasBegun(b))
  let left = config.maxWarmupReplicas
  for (const { task, to } of wanted) {
    if (places.get(task)?.has(to) === true) continue
    if (left-- <= 0) break
    places.get(task)?.add(to)
  }
  return { places, awaitsWarmup: wanted.length > 0 }
}

interface Warmup {
  readonly task: string
  readonly to: Candidate
}

/**
 * Each task ranks the members by a hash, so that most standbys stay where they are when members come and go, and takes the
 * first of those that do not have their part of all tasks and standbys yet. What is unequal after that is levelled.
 */
function idealStandbys({
  candidates,
  stateful,
  homes,
  config,
}: Parameters<typeof placeStandbys>[0]): Map<string, Set<Candidate>> {
  const replicas = Math.min(config.numStandbyReplicas, candidates.length - 1)
  const ideal = new Map<string, Set<Candidate>>()
  if (replicas <= 0) return ideal
  const loads = new Map(candidates.map(candidate => [candidate, 0]))
  const load = (candidate: Candidate): number => loads.get(candidate) ?? 0
  const count = (candidate: Candidate, change: 1 | -1): unknown =>
    loads.set(candidate, load(candidate) + change)
  for (const home of homes.values()) count(home, 1)
  const part = Math.ceil((homes.size + replicas * stateful.length) / candidates.length)
  for (const task of stateful) {
    const ranks = new Map(candidates.map(candidate => [candidate, rank(task, candidate)]))
    const overload = (candidate: Candidate): number => Math.max(0, load(candidate) - part + 1)
    const best = candidates
      .filter(candidate => candidate !== homes.get(task))
      .sort((a, b) => overload(a) - overload(b) || (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0))
      .slice(0, replicas)
    for (const candidate of best) count(candidate, 1)
    ideal.set(task, new Set(best))
  }
  /** Moves one standby, if that makes the members more equal. */
  const level = (): boolean => {
    const sorted = [...candidates].sort((a, b) => load(b) - load(a))
    for (const from of sorted) {
      for (const to of sorted.toReversed()) {
        if (load(from) - load(to) < 2) break
        for (const [task, standbys] of ideal) {
          if (!standbys.has(from) || standbys.has(to) || homes.get(task) === to) continue
          standbys.delete(from)
          standbys.add(to)
          count(from, -1)
          count(to, 1)
          return true
        }
      }
    }
    return false
  }
  while (level());
  return ideal
}

const rank = (task: string, { processId }: Candidate): number =>
  crc32c(Buffer.from(`${task} ${processId}`))
