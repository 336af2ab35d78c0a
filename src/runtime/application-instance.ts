import { join } from 'node:path'
import type { GroupMember, LogClient, LogProducer } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { ResolvedStreamsConfig } from '../dsl/streams-config.ts'
import type { Platform, Timer } from '../platform/platform.ts'
import { type CacheBudget, newCacheBudget } from '../state/record-cache.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'
import type { Application } from './application.ts'
import { type ApplicationState, type StateListener, StateMachine } from './application-state.ts'
import { lookIntervalMs, reachEnd } from './bounded-run.ts'
import { type GlobalTables, openGlobalTables } from './global-tables.ts'
import { Inputs } from './inputs.ts'
import { lookUpTopics } from './internal-topics.ts'
import type { CommitTarget } from './commit.ts'
import { type MemberData, unknownOffset } from './member-data.ts'
import { joinGroup } from './membership.ts'
import { type ApplicationMetrics, newCounters } from './metrics.ts'
import { OutputSender } from './output-sender.ts'
import { plannedTask } from './partition-plan.ts'
import { PlannedTopology } from './planned-topology.ts'
import { loadProcessId } from './process-id.ts'
import { type QueryableStore, queryStore } from './queries.ts'
import { RecordCollector } from './record-collector.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { type StartedTask, startTask } from './start-task.ts'
import type { Task } from './task.ts'
import { Throughput } from './throughput.ts'
import { Worker } from './worker.ts'

/** `ApplicationOptions` with every default resolved. */
export interface InstanceOptions {
  readonly name: string
  readonly topology: Topology
  readonly client: LogClient
  readonly platform: Platform
  readonly logger: Logger
  readonly stateFolder: string
  readonly engine: StoreEngine
  readonly config: ResolvedTaskConfig
  readonly streamsConfig: ResolvedStreamsConfig
  readonly onState: StateListener
  readonly onProgress: (done: number, total: number) => void
  /** Called when nothing of the instance touches the state folder any more. */
  readonly onClosed: () => void
}

/** How long `close` waits for a log that does not answer. A producer by itself goes on for its delivery timeout, two minutes. */
const closeTimeoutMs = 10_000

/** What an instance has acquired before it joins the group. */
interface Acquired {
  readonly planned: PlannedTopology
  readonly processId: string
  readonly globals: GlobalTables
  readonly producer: LogProducer
}

/** An application at work: wires the parts together and takes them apart in the right order. */
export class ApplicationInstance implements Application {
  readonly name: string
  readonly finished: Promise<void>
  readonly #options: InstanceOptions
  readonly #acquired: Acquired
  readonly #machine: StateMachine
  readonly #counters = newCounters()
  readonly #worker: Worker
  #member: GroupMember
  #looking: Timer | null = null
  #failure: { readonly error: unknown } | null = null
  /** The failure came while closing, so the one who closes has to hear of it. */
  #closeFailed = false
  readonly #cache: CacheBudget | undefined
  #leaving: Promise<void> | null = null
  #gaveUp = false

  static async start(options: InstanceOptions): Promise<ApplicationInstance> {
    const { topology, client, platform, logger, engine, config, stateFolder } = options
    const processId = await loadProcessId(stateFolder, platform)
    const { deadLetterTopic } = config
    const { timers } = platform
    const planning = { topology, deadLetterTopic, client, timers, logger }
    const planned = await PlannedTopology.make(planning)
    const { plan } = planned
    const opening = { topology, plan, client, engine, platform, config, logger }
    const globals = await openGlobalTables(opening)
    try {
      const producer = await client.producer()
      return new ApplicationInstance(options, { planned, processId, globals, producer })
    } catch (error) {
      await globals.close()
      throw error
    }
  }

  constructor(options: InstanceOptions, acquired: Acquired) {
    const { client, platform, logger, topology, config, streamsConfig, onState } = options
    const { planned, globals, producer } = acquired
    this.name = options.name
    this.#options = options
    this.#acquired = acquired
    this.#cache = newCacheBudget(options.config.cacheMaxBytes)
    this.#machine = new StateMachine((state, previous) => {
      logger.info({ application: this.name, previous }, `${this.name} is ${state}`)
      try {
        onState(state, previous)
      } catch (error) {
        // Thrown on from here it would keep what comes next from being closed.
        logger.error({ application: this.name, state, error }, `onState of ${this.name} threw`)
        this.#worker.failed(error)
      }
    })
    const collector = new RecordCollector({ partitions: topic => planned.plan.counts.get(topic) })
    const onDropped = (): void => {
      this.#counters.dropped++
    }
    const lookUp: CommitTarget['lookUpTopics'] = names =>
      lookUpTopics(names, { client, timers: platform.timers, logger })
    const sending = {
      producer,
      collector,
      lookUpTopics: lookUp,
      topology,
      config,
      logger,
      onDropped,
    }
    const worker = new Worker({
      platform,
      logger,
      inputs: arrival => new Inputs(client.consumer(), arrival, logger),
      outputs: new OutputSender(sending),
      collector,
      member: () => this.#member,
      lookUpTopics: lookUp,
      commitIntervalMs: streamsConfig.commitIntervalMs,
      throughput: new Throughput(topology, this.#counters),
      purge: new RepartitionPurge({ topology, client, clock: platform.clock, logger }),
      startTask: (id, signal) => this.#startTask(id, collector, signal),
      onRunning: running => this.#running(running),
    })
    this.#worker = worker
    globals.follow(error => worker.failed(error))
    this.#machine.to('REBALANCING')
    this.finished = this.#live()
    // An error is logged and shows in `state`; who does not ask for `finished` must not be killed by it.
    this.finished.catch(() => {})
    this.#member = this.#join()
    this.#watch()
  }

  #join(): GroupMember {
    const { planned } = this.#acquired
    return joinGroup({
      client: this.#options.client,
      planned,
      describe: () => this.#describe(),
      events: this.#worker,
    })
  }

  /** What this instance tells the others. */
  #describe(): MemberData {
    return {
      processId: this.#acquired.processId,
      owned: this.#worker.owned,
      stored: Object.fromEntries(this.#storedTasks().map(id => [id, unknownOffset])),
      endpoint: null,
      shutdownRequested: false,
    }
  }

  /** Looks from time to time whether topics have come or gone that patterns match. */
  #watch(): void {
    const { platform, streamsConfig } = this.#options
    if (!this.#acquired.planned.canChange || this.#machine.stopping) return
    const look = (): void => {
      this.#look().catch((error: unknown) => this.#worker.failed(error))
    }
    this.#looking = platform.timers.schedule(streamsConfig.metadataMaxAgeMs, look)
  }

  async #look(): Promise<void> {
    try {
      if (await this.#acquired.planned.refresh()) await this.#rejoin()
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retriable) throw error
      const { logger } = this.#options
      logger.warn({ application: this.name, error }, 'Topics could not be looked up; trying again')
    }
    this.#watch()
  }

  /** Has the group share out the tasks anew: they read other topics now, and there may be others. */
  async #rejoin(): Promise<void> {
    const { logger } = this.#options
    logger.info({ application: this.name }, 'Other topics match the patterns of the topology now')
    await this.#worker.revoked()
    if (this.#machine.stopping) return
    await this.#member.leave()
    if (!this.#machine.stopping) this.#member = this.#join()
  }

  get state(): ApplicationState {
    return this.#machine.state
  }

  metrics(): ApplicationMetrics {
    return { ...this.#counters }
  }

  async untilEnd({ signal }: { signal?: AbortSignal } = {}): Promise<ApplicationMetrics> {
    // Who aborts does not wait for a commit or an answer that a log in trouble may hold up for minutes.
    await orAborted(this.#reachEnd(signal), signal)
    if (this.#failure !== null) throw this.#failure.error
    return this.metrics()
  }

  async #reachEnd(signal: AbortSignal | undefined): Promise<void> {
    const { client, onProgress } = this.#options
    const { topology, plan } = this.#acquired.planned
    const worker = this.#worker
    const stopped = (): boolean => signal?.aborted === true || this.#machine.stopping
    worker.commitsWhenCaughtUp = true
    try {
      await reachEnd({
        client,
        topology,
        plan,
        nextProgress: timeoutMs => worker.nextProgress(timeoutMs),
        stopped,
        onProgress,
      })
      // Everything may have been done before: who asks for the stores next finds them restored.
      while (this.state !== 'RUNNING' && !stopped()) await worker.nextProgress(lookIntervalMs)
      await worker.settle()
    } catch (error) {
      throw this.#failure === null ? error : this.#failure.error
    } finally {
      worker.commitsWhenCaughtUp = false
    }
  }

  store<S extends QueryableStore = QueryableStore>(name: string): S {
    // The caller names the interface that the kind of the store's definition promises.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.#view(name) as S
  }

  #view(name: string): unknown {
    return queryStore(name, {
      topology: this.#options.topology,
      globalStore: global => this.#acquired.globals.store(global)?.rows,
      tasks: () => this.#readableTasks(name),
    })
  }

  async close(): Promise<void> {
    if (!this.#machine.stopping) this.#machine.to('PENDING_SHUTDOWN')
    this.#worker.stop()
    const { timers } = this.#options.platform
    const timeout = timers.schedule(closeTimeoutMs, () => this.#giveUp())
    try {
      await this.finished
    } catch (error) {
      if (this.#closeFailed) throw error
    } finally {
      timeout.cancel()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #live(): Promise<void> {
    const { globals, producer } = this.#acquired
    for (const step of [
      () => this.#work(),
      async () => this.#looking?.cancel(),
      // Others can go on with the tasks while the rest is closed.
      () => this.#leave(),
      () => globals.close(),
      () => producer.close(),
    ]) {
      try {
        await step()
      } catch (error) {
        this.#fail(error)
      }
    }
    this.#options.onClosed()
    this.#machine.to(this.#failure === null ? 'NOT_RUNNING' : 'ERROR')
    if (this.#failure !== null) throw this.#failure.error
  }

  async #work(): Promise<void> {
    try {
      await this.#worker.run()
    } catch (cause) {
      if (!this.#gaveUp) throw cause
      throw new MillraceError(
        'CONNECTION_LOST',
        `${this.name} was closed without its last commit: the log has not answered for ${closeTimeoutMs / 1000} s. ` +
          `What it processed since the commit before will be processed again when it starts.`,
        { cause },
      )
    }
  }

  /** Ends every wait of the worker for the log, which then fails. */
  #giveUp(): void {
    this.#gaveUp = true
    for (const closed of [this.#acquired.producer.close(), this.#leave()]) {
      closed.catch((error: unknown) => this.#fail(error))
    }
  }

  #leave(): Promise<void> {
    return (this.#leaving ??= this.#member.leave())
  }

  /** The first failure is the cause; what fails while the rest is closed is its consequence. */
  #fail(error: unknown): void {
    if (this.#failure === null) {
      this.#failure = { error }
      this.#closeFailed = this.#machine.state === 'PENDING_SHUTDOWN'
      this.#machine.to('PENDING_ERROR')
    }
    this.#options.logger.error({ application: this.name, error }, `${this.name} fails`)
  }

  #running(running: boolean): void {
    if (!this.#machine.stopping) this.#machine.to(running ? 'RUNNING' : 'REBALANCING')
  }

  async #startTask(
    id: string,
    collector: RecordCollector,
    signal: AbortSignal,
  ): Promise<StartedTask | undefined> {
    const { client, engine, platform, logger, topology, config } = this.#options
    const { planned, globals } = this.#acquired
    const surroundings = {
      applicationId: topology.applicationId,
      client,
      engine,
      clock: platform.clock,
      collector,
      globalStore: (name: string) => globals.store(name)?.store,
      config,
      cache: this.#cache,
      now: () => platform.clock.now(),
      logger,
      onRestored: (records: number) => {
        this.#counters.restored += records
      },
    }
    return startTask(plannedTask(id, planned.plan), surroundings, signal)
  }

  #storedTasks(): string[] {
    const names = this.#options.platform.files.list(join(this.#options.stateFolder, 'tasks'))
    return names.filter(name => /^\d+_\d+$/.test(name))
  }

  #readableTasks(store: string): Iterable<Task> {
    const { state } = this
    if (state === 'RUNNING') return this.#worker.tasks
    throw this.#machine.stopping
      ? new MillraceError(
          'CLOSED',
          `The store '${store}' cannot be read: ${this.name} is ${state}.`,
        )
      : new MillraceError(
          'STORE_NOT_READY',
          `The store '${store}' cannot be read now: tasks of ${this.name} are being moved or restored. Try again ` +
            `when the application is RUNNING.`,
        )
  }
}

/** The work, or the signal if it comes first; what becomes of the work then is nobody's concern. */
function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const aborted = (): void => resolve()
    signal.addEventListener('abort', aborted)
    if (signal.aborted) resolve()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}
