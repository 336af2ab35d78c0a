import type { LogClient, TopicDescription } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Timers } from '../platform/platform.ts'
import { matchesWhole, type SourceNode, type Topology } from '../topology/topology.ts'
import { prepareTopics, type TopicSettings } from './internal-topics.ts'
import { pause } from './pause.ts'
import { type PartitionPlan, subtopologyTopics } from './partition-plan.ts'

export interface PlanningOptions {
  readonly topology: Topology
  readonly deadLetterTopic: string | undefined
  readonly client: LogClient
  readonly timers: Timers
  readonly logger: Logger
  readonly settings: TopicSettings
}

/**
 * A topology with the topics that its patterns match, and the plan that follows from them. Both change when topics come and
 * go, or get more partitions: all instances look before they share out tasks and before they start them, so they agree on what
 * a task reads.
 */
export class PlannedTopology {
  readonly #options: PlanningOptions
  #topology: Topology
  #plan: PartitionPlan
  #refreshing: Promise<boolean> | null = null

  /** Throws what `prepareTopics` throws. */
  static async make(options: PlanningOptions): Promise<PlannedTopology> {
    const topology = await resolve(options)
    return new PlannedTopology(options, topology, await prepareTopics({ ...options, topology }))
  }

  private constructor(options: PlanningOptions, topology: Topology, plan: PartitionPlan) {
    this.#options = options
    this.#topology = topology
    this.#plan = plan
  }

  get topology(): Topology {
    return this.#topology
  }

  get plan(): PartitionPlan {
    return this.#plan
  }

  /** Looks at the topics that there are now, and says whether the plan is another one. Throws what `prepareTopics` throws. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  /** Throws MISSING_TOPIC when a topic of the plan has gone. A topic that a pattern matched may. */
  async check(): Promise<void> {
    const matched = new Set(
      sourcesOf(this.#topology).flatMap(({ pattern, topics }) => (pattern ? topics : [])),
    )
    const names = [...this.#plan.counts.keys()].filter(name => !matched.has(name))
    const existing = await this.#options.client.describeTopics(names)
    const missing = names.filter(name => !existing.has(name))
    if (missing.length === 0) return
    throw new MillraceError(
      'MISSING_TOPIC',
      `Topics of ${this.#topology.applicationId} were deleted while it ran: ${missing.join(', ')}. ` +
        `Create those that it reads, and start again: the others are created then.`,
    )
  }

  /**
   * The same until the plan has the tasks, which the leader of the group knows of already: brokers hear of new partitions one
   * after the other. Tasks of sub-topologies that there are none of are not waited for.
   */
  async refreshFor(tasks: readonly string[]): Promise<void> {
    const { topology, timers } = this.#options
    for (let attempt = 0; attempt < attempts; attempt++) {
      await this.refresh()
      const planned = new Set(this.#plan.tasks.map(({ id }) => id))
      const unknown = tasks.filter(id => !planned.has(id))
      const mayCome = topology.subtopologies.some(({ id }) =>
        unknown.some(task => task.startsWith(`${id}_`)),
      )
      if (!mayCome) return
      await pause(timers, attemptIntervalMs)
    }
  }

  async #refresh(): Promise<boolean> {
    const declared = this.#options.topology
    const known = declared.subtopologies.flatMap(subtopologyTopics)
    const existing = await this.#options.client.describeTopics(
      hasPatterns(declared) ? undefined : known,
    )
    const topology = resolvePatterns(declared, existing.keys())
    const isSame = sourceTopics(topology) === sourceTopics(this.#topology)
    if (isSame && !this.#haveGrown(existing)) return false
    const plan = await prepareTopics({ ...this.#options, topology })
    this.#topology = topology
    this.#plan = plan
    return true
  }

  /** Partitions are never taken away: where there seem to be fewer, a broker has not heard of all yet. */
  #haveGrown(existing: ReadonlyMap<string, TopicDescription>): boolean {
    const topics = this.#topology.subtopologies.flatMap(subtopologyTopics)
    return topics.some(
      topic => (existing.get(topic)?.partitions ?? 0) > (this.#plan.counts.get(topic) ?? 0),
    )
  }
}

/** How often, and how long apart, we look for partitions that somebody else has seen. */
const attempts = 50
const attemptIntervalMs = 100

async function resolve({ topology, client }: PlanningOptions): Promise<Topology> {
  if (!hasPatterns(topology)) return topology
  return resolvePatterns(topology, (await client.describeTopics()).keys())
}

/**
 * The topology whose sources with patterns read the existing topics that match: each topic goes to the first of them, and those
 * of the cluster and of the application itself to none.
 */
export function resolvePatterns(topology: Topology, existing: Iterable<string>): Topology {
  const taken = new Set(topology.internalTopics.map(({ name }) => name))
  const byPattern = new Map<string, readonly string[]>()
  const names = [...existing].filter(name => !name.startsWith('__')).sort()
  const resolved = (source: SourceNode): SourceNode => {
    const { pattern } = source
    if (pattern === undefined) return source
    const topics = names.filter(name => !taken.has(name) && matchesWhole(pattern, name))
    for (const topic of topics) taken.add(topic)
    byPattern.set(String(pattern), topics)
    return Object.freeze({ ...source, topics })
  }
  const subtopologies = topology.subtopologies.map(part => ({
    ...part,
    nodes: part.nodes.map(node => (node.kind === 'source' ? resolved(node) : node)),
  }))
  return Object.freeze({
    ...topology,
    subtopologies: subtopologies.map(part => ({
      ...part,
      copartitioned: part.copartitioned.map(group =>
        group.flatMap(topic => byPattern.get(topic) ?? [topic]),
      ),
    })),
  })
}

const sourcesOf = ({ subtopologies }: Topology): SourceNode[] =>
  subtopologies.flatMap(({ nodes }) => nodes.filter(node => node.kind === 'source'))

const hasPatterns = (topology: Topology): boolean =>
  sourcesOf(topology).some(({ pattern }) => pattern !== undefined)

/** Equal texts, equal topics for each source. */
const sourceTopics = (topology: Topology): string =>
  sourcesOf(topology)
    .map(({ topics }) => topics.join())
    .join(' ')
