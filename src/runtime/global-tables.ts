import type { LogClient, LogConsumer, PartitionOffset } from '../client/log-client.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import { openTaskState, type TaskState } from '../state/task-state.ts'
import type { GlobalStore, Topology } from '../topology/topology.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { RecordCollector } from './record-collector.ts'
import { Task } from './task.ts'

const fetchMs = 100
/** How long what was read may stay out of the database: after a crash that much is read once more. */
const commitIntervalMs = 1000

export interface GlobalTablesOptions {
  readonly topology: Topology
  readonly plan: PartitionPlan
  readonly client: LogClient
  readonly engine: StoreEngine
  readonly platform: Platform
  readonly logger: Logger
  readonly onFailed: (error: unknown) => void
}

export interface GlobalTables {
  /** The store of that name; undefined when no global table has it. */
  store(name: string): unknown
  close(): Promise<void>
}

/**
 * Keeps the global tables: every instance reads all partitions of their topics, outside of the group. Resolves when each
 * table has read what its topic held at the beginning; from then on they follow in the background until `close`. The
 * offsets read are kept beside the rows, so a restart reads only what came since. Kafka Streams' `GlobalStreamThread`.
 */
export async function openGlobalTables(options: GlobalTablesOptions): Promise<GlobalTables> {
  const tables: GlobalTable[] = []
  try {
    for (const global of options.topology.globalStores) {
      const table = await GlobalTable.open(global, options)
      tables.push(table)
      await table.readToEnd()
    }
  } catch (error) {
    await closeAll(tables)
    throw error
  }
  for (const table of tables) table.follow(options.onFailed)
  return {
    store(name) {
      for (const table of tables) {
        const store = table.store(name)
        if (store !== undefined) return store
      }
      return undefined
    },
    close: () => closeAll(tables),
  }
}

async function closeAll(tables: readonly GlobalTable[]): Promise<void> {
  for (const table of tables) await table.close()
}

/** One global table: a task that reads all partitions of its topic and writes nowhere but to its store. */
class GlobalTable {
  readonly #task: Task
  readonly #consumer: LogConsumer
  readonly #options: GlobalTablesOptions
  #lastCommitAt = 0
  #closed = false
  #following: Promise<void> = Promise.resolve()

  static async open(global: GlobalStore, options: GlobalTablesOptions): Promise<GlobalTable> {
    const { topology, plan, client, engine, platform, logger } = options
    const taskId = `global_${global.id}`
    // What the table is made from is its changelog: the topic itself.
    const store = { ...global.store, changelogTopic: null }
    const opening = { engine, taskId, stores: [store], bootId: platform.clock.bootId, logger }
    const partitions = global.source.topics.flatMap(topic =>
      Array.from({ length: plan.counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
    )
    const [earliest, latest] = await Promise.all([
      client.listOffsets(partitions, 'earliest'),
      client.listOffsets(partitions, 'latest'),
    ])
    let state = await openTaskState(opening)
    if (!isWithinLog(state, earliest, latest)) {
      logger.warn(
        { taskId },
        `The global table ${store.name} is not what its topic holds: reading it anew`,
      )
      await state.wipe()
      state = await openTaskState(opening)
    }
    const inputs = earliest.map(start => ({
      ...start,
      offset: state.checkpoint(start) ?? start.offset,
      metadata: '',
    }))
    const task = new Task({
      applicationId: topology.applicationId,
      taskId,
      partition: 0,
      nodes: [global.source, global.processor],
      stores: [store],
      inputs,
      state,
      collector: new RecordCollector({ partitions: topic => plan.counts.get(topic) ?? 0 }),
      globalStore: () => undefined,
      logger,
    })
    for (const end of latest) task.knowHighWatermark(end)
    const consumer = client.consumer()
    consumer.assign(inputs)
    return new GlobalTable(task, consumer, options)
  }

  constructor(task: Task, consumer: LogConsumer, options: GlobalTablesOptions) {
    this.#task = task
    this.#consumer = consumer
    this.#options = options
  }

  store(name: string): unknown {
    return this.#task.state.store(name)
  }

  async readToEnd(): Promise<void> {
    while (!this.#task.isCaughtUp) await this.#readOnce()
    await this.#commit()
  }

  follow(onFailed: (error: unknown) => void): void {
    this.#following = this.#followUntilClosed().catch(onFailed)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#consumer.close()
    await this.#following
    await this.#task.close()
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
    while (this.#task.process(1000) > 0) await this.#options.platform.timers.yield()
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
