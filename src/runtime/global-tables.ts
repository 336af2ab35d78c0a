import type { Isolation, LogClient, LogConsumer, PartitionOffset } from '../client/log-client.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import { openTaskState } from '../state/open-task-state.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { TaskState } from '../state/task-state.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'
import { type GlobalStoreView, globalStoreView } from './global-store-view.ts'
import { isCorruption } from './is-corruption.ts'
import { orAborted } from './or-aborted.ts'
import { type PartitionPlan, partitionsOf } from './partition-plan.ts'
import { RecordCollector } from './record-collector.ts'
import { Task } from './task.ts'
import { globalPart, globalTaskId } from './topology-parts.ts'

const taskId = globalTaskId
const fetchMs = 100
/** Records processed before the event loop gets its turn. */
const turnRecords = 1000
/** How long what was read may stay out of the database: after a crash that much is read once more. */
const commitIntervalMs = 1000

export interface GlobalTablesOptions {
  readonly topology: Topology
  readonly plan: PartitionPlan
  readonly client: LogClient
  /** What of transactions is read. */
  readonly isolation: Isolation
  readonly engine: StoreEngine
  readonly platform: Platform
  readonly config: ResolvedTaskConfig
  readonly logger: Logger
  readonly signal: AbortSignal
}

export interface GlobalTables {
  /** A global store, to read; undefined when there is none of that name. */
  store(name: string): GlobalStoreView | undefined
  /** Reads on in the background until `close`. `failed` is called with the error that ends it: the tables are stale then. */
  follow(failed: (error: unknown) => void): void
  close(): Promise<void>
}

/**
 * Keeps the global tables: every instance reads all partitions of their topics, outside of the group. Resolves when they
 * have read what the topics held at the beginning; from there they go on once somebody can be told of a failure. The
 * offsets read are kept beside the rows, so a restart reads only what came since. Kafka Streams' `GlobalStreamThread`. Resolves
 * with undefined, having closed everything, when `signal` is aborted before.
 */
export async function openGlobalTables(
  options: GlobalTablesOptions,
): Promise<GlobalTables | undefined> {
  if (options.topology.globalStores.length === 0) {
    return { store: () => undefined, follow: () => {}, close: async () => {} }
  }
  const { signal } = options
  const follower = await Follower.open(options)
  if (follower === undefined) return undefined
  try {
    await orAborted(follower.readToEnd(), signal)
  } catch (error) {
    await follower.close()
    throw error
  }
  if (!signal.aborted) return follower
  await follower.close()
  return undefined
}

/** One task for all global tables, which writes nowhere but to their stores, and the loop around it. */
class Follower implements GlobalTables {
  readonly #task: Task
  readonly #consumer: LogConsumer
  /** Of the topics at the beginning. */
  readonly #ends: readonly PartitionOffset[]
  readonly #options: GlobalTablesOptions
  readonly #views = new Map<string, GlobalStoreView>()
  #lastCommitAt = 0
  #closed = false
  #damaged = false
  #following: Promise<void> = Promise.resolve()

  static async open(options: GlobalTablesOptions): Promise<Follower | undefined> {
    const { topology, plan, client, engine, platform, config, logger } = options
    const { nodes, stores } = globalPart(topology)
    const opening = { engine, taskId, stores, bootId: platform.clock.bootId, logger }
    const topics = topology.globalStores.flatMap(({ source }) => source.topics)
    const partitions = topics.flatMap(topic => partitionsOf(topic, plan))
    const listed = Promise.all([
      client.listOffsets(partitions, 'earliest'),
      client.listOffsets(partitions, 'latest'),
    ])
    const bounds = await orAborted(listed, options.signal)
    if (bounds === undefined) return undefined
    const [earliest, latest] = bounds
    let state = await openTaskState(opening)
    if (!isWithinLog(state, earliest, latest)) {
      logger.warn({ taskId }, 'The global tables are not what their topics hold: reading them anew')
      await state.wipe()
      state = await openTaskState(opening)
    }
    const inputs = earliest.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset: state.checkpoint({ topic, partition }) ?? offset,
      metadata: '',
    }))
    const task = new Task({
      applicationId: topology.applicationId,
      taskId,
      partition: 0,
      nodes,
      stores,
      inputs,
      state,
      collector: new RecordCollector({ partitions: topic => plan.counts.get(topic) ?? 0 }),
      globalStore: () => undefined,
      config,
      now: () => platform.clock.now(),
      logger,
    })
    for (const end of latest) task.knowHighWatermark(end)
    const consumer = client.consumer({ isolation: options.isolation })
    consumer.assign(inputs)
    return new Follower(task, consumer, latest, options)
  }

  constructor(
    task: Task,
    consumer: LogConsumer,
    ends: readonly PartitionOffset[],
    options: GlobalTablesOptions,
  ) {
    this.#task = task
    this.#consumer = consumer
    this.#ends = ends
    this.#options = options
    const onDamage = (): void => {
      this.#damaged = true
    }
    for (const { store } of options.topology.globalStores) {
      const view = globalStoreView(store, task.state, onDamage)
      if (view !== undefined) this.#views.set(store.name, view)
    }
  }

  store(name: string): GlobalStoreView | undefined {
    return this.#views.get(name)
  }

  readToEnd(): Promise<void> {
    const reading = this.#readToEnd()
    this.#following = reading.catch(() => {})
    return reading
  }

  async #readToEnd(): Promise<void> {
    // Transactions that are still open hold the consumer up before the end, and may be committed already as far as others know.
    const isPassed = (end: PartitionOffset): boolean => this.#consumer.position(end) >= end.offset
    while (!this.#ends.every(isPassed) || !this.#task.isCaughtUp) {
      await this.#readOnce()
      if (this.#closed) return
    }
    await this.#commit()
  }

  follow(failed: (error: unknown) => void): void {
    this.#following = this.#followUntilClosed().catch((error: unknown) => {
      this.#damaged ||= isCorruption(error)
      failed(error)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#consumer.close()
    await this.#following
    await this.#task.close()
    // The next start reads everything anew.
    if (this.#damaged) await this.#options.engine.destroy(taskId)
  }

  async #followUntilClosed(): Promise<void> {
    while (!this.#closed) {
      await this.#readOnce()
      if (this.#options.platform.clock.monotonic() - this.#lastCommitAt >= commitIntervalMs) {
        await this.#commit()
      }
    }
    await this.#commit()
  }

  async #readOnce(): Promise<void> {
    for (const fetched of await this.#consumer.poll(fetchMs)) this.#task.add(fetched)
    while (this.#task.process(turnRecords) > 0) await this.#options.platform.timers.yield()
  }

  async #commit(): Promise<void> {
    if (this.#task.needsCommit) await this.#task.completeCommit(this.#task.prepareCommit())
    this.#lastCommitAt = this.#options.platform.clock.monotonic()
  }
}

/** Rows up to a checkpoint that the log does not have (any more) may be rows that it does not have either. */
function isWithinLog(
  state: TaskState,
  earliest: readonly PartitionOffset[],
  latest: readonly PartitionOffset[],
): boolean {
  return (
    earliest.every(start => (state.checkpoint(start) ?? start.offset) >= start.offset) &&
    latest.every(end => (state.checkpoint(end) ?? 0) <= end.offset)
  )
}
