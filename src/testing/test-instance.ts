import assert from 'node:assert/strict'

import type { CommittedOffset, PartitionBatch } from '../client/log-client.ts'
import { PartitionMap } from '../client/partition-map.ts'
import type { Logger } from '../logger.ts'
import { closeAll } from '../runtime/close-all.ts'
import { commit } from '../runtime/commit.ts'
import type { Committer } from '../runtime/commit-log.ts'
import { type GlobalStoreView, globalStoreView } from '../runtime/global-store-view.ts'
import { type PartitionPlan, partitionsOf, type PlannedTask } from '../runtime/partition-plan.ts'
import { queryStore } from '../runtime/queries/store-view.ts'
import { RecordCollector } from '../runtime/record-collector.ts'
import { startTask } from '../runtime/start-task.ts'
import { Task } from '../runtime/task.ts'
import { globalPart, globalTaskId } from '../runtime/topology-parts.ts'
import { openTaskState } from '../state/open-task-state.ts'
import { type CacheBudget, newCacheBudget } from '../state/record-cache.ts'
import type { StoreDefinition } from '../state/store-definition.ts'
import type { StoreDatabase, StoreEngine } from '../state/store-engine.ts'
import type { QueryableStore } from '../state/stores.ts'
import type { TaskState } from '../state/task-state.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'
import { withApplicationDate } from './application-date.ts'
import type { TestLog } from './test-log.ts'
import { TestTime } from './test-time.ts'

export interface TestInstanceOptions {
  readonly topology: Topology
  readonly plan: PartitionPlan
  /** How many a topic has that is not in the plan. */
  readonly partitions: (name: string) => number
  readonly log: TestLog
  /** Outlives the instance. */
  readonly engine: StoreEngine
  readonly config: ResolvedTaskConfig
  /** Moves when it is told to. */
  readonly clock: { now: number }
  readonly now: () => number
  readonly logger: Logger
}

/**
 * One life of a test application, from its start to its end or its kill: all tasks of the plan with their stores, and what
 * they have written since the last commit.
 */
export class TestInstance {
  /** Records that were dropped, as far as a commit counts them. */
  committedDrops = 0
  readonly #options: TestInstanceOptions
  readonly #engine: KillableEngine
  readonly #collector: RecordCollector
  readonly #cache: CacheBudget | undefined
  readonly #time: TestTime
  readonly #positions = new PartitionMap<number>()
  #tasks: readonly Task[] = []
  #globalTask: Task | null = null

  constructor(options: TestInstanceOptions) {
    const { plan, engine, config } = options
    this.#options = options
    this.#time = new TestTime(options.clock)
    this.#cache = newCacheBudget(config.cacheMaxBytes)
    this.#engine = new KillableEngine(engine)
    this.#collector = new RecordCollector({ partitions: topic => plan.counts.get(topic) })
  }

  /** Restores the stores. */
  async start(): Promise<void> {
    const { topology, plan, log, config, now, logger } = this.#options
    if (topology.globalStores.length > 0) {
      this.#globalTask = await this.#startGlobalTask()
      await this.#readGlobalTables()
    }
    const surroundings = {
      applicationId: topology.applicationId,
      client: log,
      engine: this.#engine,
      openState: ({ id, subtopology }: PlannedTask) => this.#openState(id, subtopology.stores),
      clock: { now },
      collector: this.#collector,
      globalStore: (name: string) => this.#globalStore(name)?.store,
      config,
      cache: this.#cache,
      now,
      calls: this.#time,
      logger,
      restoreListener: {},
      onRestored: () => {},
    }
    const tasks: Task[] = []
    this.#tasks = tasks
    for (const planned of plan.tasks) {
      const started = await startTask(planned, surroundings, new AbortController().signal)
      assert(started !== undefined, 'nobody aborts the start')
      for (const position of started.positions) this.#positions.set(position, position.offset)
      tasks.push(started.task)
    }
  }

  #openState(taskId: string, stores: readonly StoreDefinition[]): Promise<TaskState> {
    const { logger } = this.#options
    return openTaskState({ engine: this.#engine, taskId, stores, bootId, logger })
  }

  async #startGlobalTask(): Promise<Task> {
    const { topology, plan, config, now, logger } = this.#options
    const { nodes, stores } = globalPart(topology)
    const state = await this.#openState(globalTaskId, stores)
    const topics = topology.globalStores.flatMap(({ source }) => source.topics)
    const inputs = topics
      .flatMap(topic => partitionsOf(topic, plan))
      .map(({ topic, partition }) => {
        const offset = state.checkpoint({ topic, partition }) ?? 0
        this.#positions.set({ topic, partition }, offset)
        return { topic, partition, offset, metadata: '' }
      })
    const task = new Task({
      applicationId: topology.applicationId,
      taskId: globalTaskId,
      partition: 0,
      nodes,
      stores,
      inputs,
      state,
      collector: this.#collector,
      globalStore: () => undefined,
      config,
      now,
      logger,
    })
    for (const input of inputs) task.knowHighWatermark(input)
    return task
  }

  /**
   * Lets the tasks, one after the other, process what the log holds; returns the number of records. Work that takes time has
   * ended by then. What they write for each other is in the log with the next commit.
   */
  async process(maxRecords: number): Promise<number> {
    await this.#readGlobalTables()
    const { now } = this.#options
    let processed = 0
    for (const task of this.#tasks) {
      this.#fetch(task)
      for (;;) {
        const left = maxRecords - processed
        processed += withApplicationDate(now, () => task.process(left))
        if (task.callsInFlight === 0) break
        await this.#completeCalls(task)
      }
      if (processed === maxRecords) break
    }
    return processed
  }

  async #completeCalls(task: Task): Promise<void> {
    await this.#time.untilCallsGoOn([task], ms => this.advance(ms))
    withApplicationDate(this.#options.now, () => task.completeCalls())
  }

  /** Moves the clock forward and calls the punctuators that are due by it. */
  advance(ms: number): void {
    this.#time.advance(ms)
    const { now } = this.#options
    for (const task of this.#tasks) withApplicationDate(now, () => task.punctuateWallClock())
  }

  /** Whether the tasks have records to process. */
  get isReady(): boolean {
    for (const task of this.#tasks) this.#fetch(task)
    return this.#tasks.some(task => task.isReady)
  }

  /** Says whether there was anything to commit. */
  async commit(): Promise<boolean> {
    return this.#commit(offsets => this.#options.log.commit(offsets))
  }

  /** Commits, but stops before the stores have it. */
  async commitWithoutStores(): Promise<void> {
    const stopped = new Error('the instance is killed within its commit')
    try {
      await this.#commit(offsets => {
        this.#options.log.commit(offsets)
        throw stopped
      })
    } catch (error) {
      if (error !== stopped) throw error
    }
  }

  async #commit(commitOffsets: (offsets: readonly CommittedOffset[]) => void): Promise<boolean> {
    for (const task of this.#tasks) while (!task.isDrained()) await this.#completeCalls(task)
    const needed = this.#tasks.filter(task => task.needsCommit)
    this.committedDrops = this.droppedRecords
    if (needed.length === 0) return false
    const { partitions, log } = this.#options
    const lookUpTopics = async (names: readonly string[]) =>
      new Map(names.map(name => [name, partitions(name)]))
    const commitLog = {
      fencesZombies: false,
      async commit(batches: readonly PartitionBatch[], offsets: readonly CommittedOffset[]) {
        const sent = await log.send(batches)
        commitOffsets(offsets)
        return sent
      },
    }
    const target = { collector: this.#collector, log: commitLog, member: noMember, lookUpTopics }
    const { overtaken, damaged } = await commit(needed, target)
    const [first] = damaged
    if (first !== undefined) throw first.error
    assert(overtaken.length === 0, 'nobody else writes to the changelogs')
    return true
  }

  get droppedRecords(): number {
    let dropped = this.#globalTask?.droppedRecords ?? 0
    for (const task of this.#tasks) dropped += task.droppedRecords
    return dropped
  }

  store(name: string): QueryableStore {
    const { topology } = this.#options
    const globalStore = (global: string) => this.#globalStore(global)?.rows
    return queryStore(name, { topology, globalStore, tasks: () => this.#tasks })
  }

  /** Closes processors and stores; what was not committed is forgotten. */
  async close(): Promise<void> {
    const tasks = this.#globalTask === null ? this.#tasks : [...this.#tasks, this.#globalTask]
    const closes = tasks.map(task => () => task.close())
    await closeAll(closes, this.#options.logger)
  }

  /** Ends as a process that is killed. With `wipe` its stores are gone. */
  async kill(wipe: boolean): Promise<void> {
    await this.#engine.kill(wipe)
  }

  #fetch(task: Task): void {
    const { log } = this.#options
    for (const { topic, partition } of task.inputs) {
      const offset = this.#positions.get({ topic, partition }) ?? 0
      if (log.end({ topic, partition }) === offset) continue
      const fetched = log.fetch({ topic, partition, offset })
      task.add(fetched)
      this.#positions.set({ topic, partition }, fetched.nextOffset)
    }
  }

  async #readGlobalTables(): Promise<void> {
    const task = this.#globalTask
    if (task === null) return
    this.#fetch(task)
    while (task.process(Infinity) > 0);
    if (task.needsCommit) await task.completeCommit(task.prepareCommit())
  }

  #globalStore(name: string): GlobalStoreView | undefined {
    const { globalStores } = this.#options.topology
    const definition = globalStores.map(({ store }) => store).find(store => store.name === name)
    if (this.#globalTask === null || definition === undefined) return undefined
    return globalStoreView(definition, this.#globalTask.state, () => {})
  }
}

const bootId = 'test'

/** The log of a test has one instance, and no groups. */
const noMember: Committer = {
  commit: () => assert.fail('offsets are committed by the log'),
  identity: () => assert.fail('there is no group'),
  renewed: () => assert.fail('there is no group'),
}

/** Its databases can be closed as they are when a process is killed. */
class KillableEngine implements StoreEngine {
  readonly #engine: StoreEngine
  readonly #open = new Map<string, StoreDatabase>()

  constructor(engine: StoreEngine) {
    this.#engine = engine
  }

  async open(name: string): Promise<StoreDatabase> {
    const database = await this.#engine.open(name)
    this.#open.set(name, database)
    return database
  }

  destroy(name: string): Promise<void> {
    return this.#engine.destroy(name)
  }

  async kill(wipe: boolean): Promise<void> {
    for (const [name, database] of this.#open) {
      await database.close()
      if (wipe) await this.#engine.destroy(name)
    }
  }
}
