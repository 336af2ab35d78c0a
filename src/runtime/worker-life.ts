import type { GroupMember, Isolation, LogClient } from '../client/log-client.ts'
import type { ResolvedStreamsConfig } from '../dsl/streams-config.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Platform, Timer } from '../platform/platform.ts'
import type { CacheBudget } from '../state/record-cache.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { TaskState } from '../state/task-state.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'
import type { CloseOptions } from './application.ts'
import { closeAll } from './close-all.ts'
import type { CommitTarget } from './commit.ts'
import type { CommitLog } from './commit-log.ts'
import { CommitPatience } from './commit-patience.ts'
import { type GlobalTables, openGlobalTables } from './global-tables.ts'
import { Inputs } from './inputs.ts'
import { lookUpTopics } from './internal-topics.ts'
import { allOffsets, type MemberData, type Route, type Share } from './member-data.ts'
import { joinGroup } from './membership.ts'
import type { Counters } from './metrics/application-metrics.ts'
import {
  type InstanceMeasures,
  measuredRestore,
  measuredStandbys,
} from './metrics/instance-measures.ts'
import { openCommitLog } from './open-commit-log.ts'
import { orAborted } from './or-aborted.ts'
import { type PlannedTask, plannedTask, readsAsPlanned } from './partition-plan.ts'
import { pause } from './pause.ts'
import { PlannedTopology } from './planned-topology.ts'
import type { HostedTasks } from './queries/hosted-tasks.ts'
import { RecordCollector } from './record-collector.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import type { RestoreListener, StandbyUpdateListener } from './restore-listener.ts'
import { loggedRestore } from './restore-log.ts'
import { StandbyTasks } from './standby-tasks.ts'
import { StateDirectory } from './state-directory.ts'
import { type StartedTask, startTask } from './start-task.ts'
import type { Task } from './task.ts'
import { type TaskTimeout, withinTaskTimeout } from './task-timeout.ts'
import { Throughput } from './throughput.ts'
import { Worker } from './worker.ts'

export interface LifeOptions {
  readonly name: string
  readonly topology: Topology
  readonly client: LogClient
  readonly platform: Platform
  readonly logger: Logger
  readonly stateFolder: string
  readonly engine: StoreEngine
  readonly config: ResolvedTaskConfig
  readonly streamsConfig: ResolvedStreamsConfig
  readonly restoreListener: RestoreListener
  readonly standbyUpdateListener: StandbyUpdateListener
}

/** What outlives the life: it is the instance's. */
export interface LifeOwner {
  readonly processId: string
  readonly counters: Counters
  readonly measures: InstanceMeasures
  readonly cache: CacheBudget | undefined
  /** `host:port` at which the instance can be asked; null where it cannot. */
  readonly endpoint: () => string | null
  /** Hears of the stores that are open besides those of the tasks at work. */
  readonly hosted: HostedTasks
  /** Hears which instances have which tasks. */
  readonly onRouting: (routing: readonly Route[]) => void
  /** Whether a bounded run is under way: there is nothing to wait for once the input is consumed. */
  readonly isBounded: () => boolean
  /** Tasks process nothing meanwhile. */
  readonly isPaused: () => boolean
  /** All tasks process records now, or some do not yet. */
  readonly onRunning: (running: boolean) => void
}

/** What a life has acquired before it joins the group. */
interface Acquired {
  readonly planned: PlannedTopology
  readonly globals: GlobalTables
  readonly collector: RecordCollector
  readonly lookUpTopics: CommitTarget['lookUpTopics']
  readonly commitLog: CommitLog
}

/** How long to wait for a log that does not answer when closing. A producer by itself goes on for its delivery timeout, two minutes. */
export const closeTimeoutMs = 10_000

/** How long an instance waits for its group when all are to stop; Kafka's rebalances take up to five minutes, in trouble. */
const shutdownTimeoutMs = 30_000
/** Longer than members go without a heartbeat, which tells them of a rebalance. */
const shutdownEchoMs = 5000

/**
 * One life of the worker of an instance: its global tables, producer, tasks and membership of the group, from the first
 * to the last. All that an error can leave in disorder is in here, so that an instance can go on after one: it closes
 * this life and begins the next. Kafka Streams' `StreamThread` together with its `GlobalStreamThread`.
 */
export class WorkerLife {
  readonly #options: LifeOptions
  readonly #owner: LifeOwner
  readonly #acquired: Acquired
  readonly #worker: Worker
  readonly #states: StateDirectory
  readonly #standbys: StandbyTasks
  #member: GroupMember | undefined
  #looking: Timer | null = null
  #probing: Timer | undefined
  #leaving: Promise<void> | null = null
  #leavesGroup = true
  #stopping = false
  #gaveUp = false
  #shutdownRequested = false
  /** Resolved when the group has told all instances to stop, or there is no more waiting for it. */
  readonly #told = Promise.withResolvers<void>()

  /**
   * Looks at the topics and creates what is missing, reads the global tables and opens a producer. Throws what fails. Undefined,
   * having closed everything, when `signal` is aborted: a log that does not answer is not waited for then.
   */
  static async begin(
    options: LifeOptions,
    owner: LifeOwner,
    signal: AbortSignal,
  ): Promise<WorkerLife | undefined> {
    const { topology, client, platform, logger, engine, config, streamsConfig } = options
    const { deadLetterTopic } = config
    const { timers } = platform
    const settings = streamsConfig
    const planning = { topology, deadLetterTopic, client, timers, logger, settings }
    const planned = await orAborted(PlannedTopology.make(planning), signal)
    if (planned === undefined) return undefined
    const { plan } = planned
    const isolation = isolationOf(streamsConfig)
    const opening = { topology, plan, client, isolation, engine, platform, config, logger, signal }
    const globals = await openGlobalTables(opening)
    if (globals === undefined) return undefined
    const collector = new RecordCollector({
      partitions: topic => planned.plan.counts.get(topic),
      compressionType: streamsConfig.compressionType,
    })
    const lookUp: CommitTarget['lookUpTopics'] = names =>
      lookUpTopics(names, { client, timers, logger })
    const parts = { planned, globals, collector, lookUpTopics: lookUp }
    try {
      const opened = openCommitLog({ ...options, ...owner, ...parts })
      const commitLog = await orAborted(opened, signal)
      if (commitLog === undefined) {
        const closed = opened.then(late => late.close())
        closed.catch((error: unknown) => logger.warn({ error }, 'A producer could not be opened'))
        await globals.close()
        return undefined
      }
      return new WorkerLife(options, owner, { ...parts, commitLog })
    } catch (error) {
      await globals.close()
      throw error
    }
  }

  constructor(options: LifeOptions, owner: LifeOwner, acquired: Acquired) {
    const { client, platform, logger, topology, streamsConfig } = options
    const { planned, globals, collector, commitLog } = acquired
    const isolation = isolationOf(streamsConfig)
    const { counters, measures } = owner
    // What was under way when the life before ended is not any more.
    measures.restoring.clear()
    measures.standbys.clear()
    this.#options = options
    this.#owner = owner
    this.#acquired = acquired
    this.#worker = new Worker({
      platform,
      logger,
      inputs: arrival => new Inputs(client.consumer({ isolation }), arrival, logger),
      commitLog,
      collector,
      member: () => this.#memberNow(),
      lookUpTopics: acquired.lookUpTopics,
      commitIntervalMs: streamsConfig.commitIntervalMs,
      patience: new CommitPatience({
        platform,
        taskTimeoutMs: streamsConfig.taskTimeoutMs,
        checkTopics: () => this.#checkTopics(),
      }),
      throughput: new Throughput(topology, counters, measures),
      measures,
      purge: new RepartitionPurge({ topology, client, clock: platform.clock, logger }),
      startTask: (id, signal) => this.#startTask(id, collector, signal),
      isAsPlanned: task => readsAsPlanned(task, planned.plan),
      isBounded: owner.isBounded,
      isPaused: owner.isPaused,
      onRunning: owner.onRunning,
    })
    const failed = (error: unknown): void => this.#worker.failed(error)
    globals.follow(failed)
    this.#states = new StateDirectory({ ...options, ...streamsConfig, failed })
    this.#standbys = new StandbyTasks({
      ...platform,
      group: topology.applicationId,
      client,
      logger,
      listener: measuredStandbys(options.standbyUpdateListener, measures),
      planned: id => plannedTask(id, planned.plan),
      open: task => this.#states.open(task),
      onOpened: state => owner.hosted.opened(state, 'standby'),
      isBusy: () => this.#worker.isBusy,
      onRestored: records => {
        counters.restored += records
      },
      failed,
    })
  }

  /** The topology with the topics that its patterns match, and the plan. */
  get planned(): PlannedTopology {
    return this.#acquired.planned
  }

  get globals(): GlobalTables {
    return this.#acquired.globals
  }

  get tasks(): Iterable<Task> {
    return this.#worker.tasks
  }

  /** Joins the group and processes until `stop` or an error, which rejects. The tasks are closed then: call `close`. */
  async work(): Promise<void> {
    if (!this.#stopping) {
      this.#member = this.#join()
      this.#watch()
    }
    try {
      await closeAll(
        [() => this.#worker.run(), () => this.#standbys.close(), () => this.#states.close()],
        this.#options.logger,
      )
    } catch (cause) {
      if (!this.#gaveUp) throw cause
      const { name } = this.#options
      throw new MillraceError(
        'CONNECTION_LOST',
        `${name} was closed without its last commit: the log has not answered for ${closeTimeoutMs / 1000} s. ` +
          `What it processed since the commit before will be processed again when it starts.`,
        { cause },
      )
    }
  }

  /**
   * Has all instances of the application stop, once `work` has ended. Resolves when the group has told them, or some time
   * later: a group that nobody can reach is not waited for.
   */
  async stopAll(): Promise<void> {
    if (this.#member === undefined) return
    const { timers } = this.#options.platform
    this.#shutdownRequested = true
    this.#member.rejoin()
    const timeout = timers.schedule(shutdownTimeoutMs, this.#told.resolve)
    await this.#told.promise
    timeout.cancel()
    // Those who did not hear of it in this generation do in the next, as long as somebody asks for it.
    if (!this.#gaveUp) await pause(timers, shutdownEchoMs)
  }

  /** Leaves the group, unless `stop` said that it is not to, and closes what is still open, once `work` has ended. Rejects with the first error. */
  close(): Promise<void> {
    this.#stopping = true
    this.#looking?.cancel()
    this.#probing?.cancel()
    const { globals, commitLog } = this.#acquired
    // Others can go on with the tasks while the rest is closed.
    const steps = [() => this.#leave(), () => globals.close(), () => commitLog.close()]
    return closeAll(steps, this.#options.logger)
  }

  /** Asks `work` to commit and end. Whether `close` leaves the group is as said last. */
  stop({ leaveGroup = true }: CloseOptions = {}): void {
    this.#stopping = true
    this.#leavesGroup = leaveGroup
    this.#worker.stop()
  }

  /** The tasks may process again. */
  resume(): void {
    this.#worker.wake()
  }

  /** Ends every wait of the worker for the log, which then fails. */
  giveUp(): void {
    this.#gaveUp = true
    this.#told.resolve()
    const { logger } = this.#options
    for (const closed of [this.#acquired.commitLog.close(), this.#leave()]) {
      closed.catch((error: unknown) =>
        logger.error({ error }, 'Something else failed while closing'),
      )
    }
  }

  /** Ends `work` with the error. */
  failed(error: unknown): void {
    this.#worker.failed(error)
  }

  /** Resolves when the next commit is done or all tasks run, or after `timeoutMs`. For one waiter at a time. */
  nextProgress(timeoutMs: number): Promise<void> {
    return this.#worker.nextProgress(timeoutMs)
  }

  /** Resolves when what is under way, such as a commit, has ended. */
  settle(): Promise<void> {
    return this.#worker.settle()
  }

  #memberNow(): GroupMember {
    if (this.#member !== undefined) return this.#member
    throw new MillraceError('TASK_MIGRATED', `${this.#options.name} has not joined its group.`)
  }

  get #patience(): TaskTimeout {
    const { platform, logger, streamsConfig } = this.#options
    return { platform, logger, taskTimeoutMs: streamsConfig.taskTimeoutMs }
  }

  #join(): GroupMember {
    const worker = this.#worker
    return joinGroup({
      client: this.#options.client,
      planned: this.planned,
      patience: this.#patience,
      config: this.#options.streamsConfig,
      clock: this.#options.platform.clock,
      describe: () => this.#describe(),
      events: {
        assigned: share => this.#assigned(share),
        lost: () => worker.lost(),
        shutdownRequested: () => this.#shutdown(),
        failed: error => worker.failed(error),
      },
    })
  }

  async #assigned(share: Share): Promise<void> {
    this.#owner.onRouting(share.routing)
    await this.#worker.assigned(share)
    // Tasks that run here from now on have taken their state over, or are about to.
    this.#standbys.assigned(share.standbys)
    this.#probing?.cancel()
    const { nextProbeAtMs } = share
    if (nextProbeAtMs === null || this.#stopping) return
    const { clock, timers } = this.#options.platform
    const ms = Math.max(0, nextProbeAtMs - clock.now())
    this.#probing = timers.schedule(ms, () => this.#member?.rejoin())
  }

  #shutdown(): void {
    const { name } = this.#options
    this.#told.resolve()
    this.#worker.failed(
      new MillraceError(
        'SHUTDOWN_REQUESTED',
        `${name} stops because another of its instances failed and asked all to stop: see what that one logged.`,
      ),
    )
  }

  /** What this instance tells the others. */
  #describe(): MemberData {
    const running = [...this.#worker.tasks].map(({ taskId }) => [taskId, allOffsets] as const)
    return {
      processId: this.#owner.processId,
      owned: this.#worker.owned,
      standbys: this.#standbys.ids,
      stored: Object.fromEntries([...this.#states.offsets, ...running]),
      endpoint: this.#owner.endpoint(),
      shutdownRequested: this.#shutdownRequested,
    }
  }

  /** Looks from time to time whether topics have come that patterns match, have gone, or have more partitions. */
  #watch(): void {
    const { platform, streamsConfig } = this.#options
    if (this.#stopping) return
    const look = (): void => {
      this.#look().catch((error: unknown) => this.#worker.failed(error))
    }
    this.#looking = platform.timers.schedule(streamsConfig.metadataMaxAgeMs, look)
  }

  async #look(): Promise<void> {
    const { name, logger } = this.#options
    if (await this.#looked(() => this.planned.refresh())) {
      logger.info({ application: name }, 'The topics that the topology reads have changed')
      this.#member?.rejoin()
    }
    await this.#checkTopics()
    this.#watch()
  }

  async #checkTopics(): Promise<void> {
    await this.#looked(() => this.planned.check())
  }

  /** Undefined when the log is in trouble: topics that cannot be looked up now are another time. */
  async #looked<T>(look: () => Promise<T>): Promise<T | undefined> {
    const { name, logger } = this.#options
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retriable) throw error
      logger.warn({ application: name, error }, 'Topics could not be looked up; trying again')
      return undefined
    }
  }

  async #leave(): Promise<void> {
    const member = this.#member
    await (this.#leaving ??=
      (this.#leavesGroup ? member?.leave() : member?.close()) ?? Promise.resolve())
  }

  #startTask(
    id: string,
    collector: RecordCollector,
    signal: AbortSignal,
  ): Promise<StartedTask | undefined> {
    const { client, engine, platform, logger, topology, config, streamsConfig } = this.#options
    const { counters, measures, cache, hosted } = this.#owner
    const listener = measuredRestore(this.#options.restoreListener, measures)
    const { planned, globals, commitLog } = this.#acquired
    const surroundings = {
      applicationId: topology.applicationId,
      client,
      engine,
      openState: async (task: PlannedTask) =>
        (await this.#standbys.take(task.id)) ?? this.#states.open(task),
      clock: platform.clock,
      collector,
      globalStore: (name: string) => globals.store(name)?.store,
      config,
      isolation: isolationOf(streamsConfig),
      cache,
      now: () => platform.clock.now(),
      calls: { ...platform, wake: () => this.#worker.wake() },
      logger,
      onOpened: (state: TaskState) => hosted.opened(state, 'restoring'),
      restoreListener: loggedRestore(listener, { logger, ...platform }),
      onRestored: (records: number) => {
        counters.restored += records
      },
    }
    const start = async (): Promise<StartedTask | undefined> => {
      await commitLog.ready(signal)
      if (signal.aborted) return undefined
      return startTask(plannedTask(id, planned.plan), surroundings, signal)
    }
    return withinTaskTimeout(`Task ${id}`, this.#patience, start, signal)
  }
}

/** What of the transactions of others is read. */
const isolationOf = ({ processingGuarantee }: ResolvedStreamsConfig): Isolation =>
  processingGuarantee === 'exactlyOnce' ? 'readCommitted' : 'readUncommitted'
