import assert from 'node:assert/strict'

import { Sleeper } from '../client/backoff.ts'
import type { UncaughtExceptionResponse } from '../dsl/streams-config.ts'
import { newCacheBudget } from '../state/record-cache.ts'
import type { QueryableStore } from '../state/stores.ts'
import type { Application, CloseOptions } from './application.ts'
import { type ApplicationState, type StateListener, StateMachine } from './application-state.ts'
import { lookIntervalMs, reachEnd } from './bounded-run.ts'
import { type ApplicationServer, startApplicationServer } from './http/application-server.ts'
import { serverAddresses } from './http/server-address.ts'
import { prometheusText } from '../platform/prometheus-text.ts'
import { type ApplicationMetrics, newCounters } from './metrics/application-metrics.ts'
import { InstanceMeasures } from './metrics/instance-measures.ts'
import { metricDefinitions } from './metrics/metric-definitions.ts'
import { orAborted } from './or-aborted.ts'
import type { PartitionPlan } from './partition-plan.ts'
import { pause } from './pause.ts'
import { loadProcessId } from './process-id.ts'
import { HostedTasks } from './queries/hosted-tasks.ts'
import { InstanceQueries, type LagInfo } from './queries/instance-queries.ts'
import type { QueryRequest, QueryResult } from './queries/query.ts'
import type { StoreQueryOptions } from './queries/store-view.ts'
import { type StreamsMetadata, StreamsMetadataState } from './queries/streams-metadata.ts'
import { UncaughtErrors } from './uncaught-errors.ts'
import { closeTimeoutMs, type LifeOptions, type LifeOwner, WorkerLife } from './worker-life.ts'

/** `ApplicationOptions` with every default resolved. */
export interface InstanceOptions extends LifeOptions {
  readonly onState: StateListener
  readonly onProgress: (done: number, total: number) => void
  /** Called when nothing of the instance touches the state folder any more. */
  readonly onClosed: () => void
}

/** An application at work: one life of its worker after another, until it is closed or an error is to end it. */
export class ApplicationInstance implements Application {
  readonly name: string
  readonly finished: Promise<void>
  readonly #options: InstanceOptions
  readonly #owner: LifeOwner
  readonly #ended = Promise.withResolvers<void>()
  readonly #machine: StateMachine
  readonly #queries: InstanceQueries
  #server: ApplicationServer | undefined
  readonly #uncaught: UncaughtErrors
  readonly #counters = newCounters()
  readonly #measures = new InstanceMeasures()
  /** Waits between two lives, unless the instance is closed. */
  readonly #sleeper: Sleeper
  /** Aborted when it is closed, so that no other life begins. */
  readonly #beginning = new AbortController()
  /** The last one: it may have ended. */
  #life: WorkerLife | undefined
  #isBounded = false
  #isPaused = false
  /** Whether all tasks that the present life was given have run at some time. */
  #hasRun = false
  /** As the first call of `close` said, unless an error came before. */
  #closing: CloseOptions = {}
  #failure: { readonly error: unknown } | null = null

  static async start(options: InstanceOptions): Promise<ApplicationInstance> {
    const processId = await loadProcessId(options.stateFolder, options.platform)
    const instance = new ApplicationInstance(options, processId)
    await instance.#serve()
    try {
      const life = await instance.#begin()
      assert(life !== undefined, 'nobody can have closed it yet')
      instance.#start(life)
    } catch (error) {
      await instance.#server?.close()
      throw error
    }
    return instance
  }

  constructor(options: InstanceOptions, processId: string) {
    const { platform, logger, config, streamsConfig, onState } = options
    this.name = options.name
    this.#options = options
    const { topology, client } = options
    const metadata = new StreamsMetadataState(topology, () => this.#life?.planned.plan ?? noPlan)
    const hosted = new HostedTasks(() => this.#life?.tasks ?? [])
    this.#queries = new InstanceQueries({
      name: this.name,
      topology,
      client,
      timers: platform.timers,
      hosted,
      metadata,
      globalStore: name => this.#life?.globals.store(name)?.rows,
      state: () => this.state,
    })
    this.#owner = {
      processId,
      endpoint: () => this.#server?.endpoint ?? null,
      hosted,
      onRouting(routing) {
        metadata.routing = routing
      },
      counters: this.#counters,
      measures: this.#measures,
      cache: newCacheBudget(config.cacheMaxBytes),
      isBounded: () => this.#isBounded,
      isPaused: () => this.#isPaused,
      onRunning: running => {
        this.#hasRun ||= running
        if (!this.#machine.stopping) this.#machine.to(running ? 'RUNNING' : 'REBALANCING')
      },
    }
    this.#machine = new StateMachine((state, previous) => {
      logger.info({ application: this.name, previous }, `${this.name} is ${state}`)
      try {
        onState(state, previous)
      } catch (error) {
        // Thrown on from here it would keep what comes next from being closed.
        logger.error({ application: this.name, state, error }, `onState of ${this.name} threw`)
        this.#life?.failed(error)
      }
    })
    const handler = streamsConfig.uncaughtExceptionHandler
    this.#uncaught = new UncaughtErrors({ handler, platform, logger })
    this.#sleeper = new Sleeper(platform.timers)
    this.finished = this.#ended.promise
    // An error is logged and shows in `state`; who does not ask for `finished` must not be killed by it.
    this.finished.catch(() => {})
  }

  async #serve(): Promise<void> {
    const { streamsConfig, logger } = this.#options
    const addresses = serverAddresses(streamsConfig)
    if (addresses === null) return
    const serving = { ...addresses, instance: this, queries: this.#queries, logger }
    this.#server = await startApplicationServer(serving)
    const { endpoint } = this.#server
    logger.info({ application: this.name, endpoint }, `${this.name} answers at http://${endpoint}`)
  }

  #begin(): Promise<WorkerLife | undefined> {
    return WorkerLife.begin(this.#options, this.#owner, this.#beginning.signal)
  }

  #start(life: WorkerLife): void {
    this.#life = life
    this.#machine.to('REBALANCING')
    void this.#live(life).then(this.#ended.resolve, this.#ended.reject)
  }

  get state(): ApplicationState {
    return this.#machine.state
  }

  /**
   * Whether it does its share: it runs, or takes part in a rebalance or restores another task while those that it has go on.
   * Pausing makes no difference, nor do tasks that run elsewhere.
   */
  get isReady(): boolean {
    if (this.state === 'RUNNING') return true
    const tasks = [...(this.#life?.tasks ?? [])]
    return this.state === 'REBALANCING' && this.#hasRun && tasks.length > 0
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#life?.resume()
  }

  metrics(): ApplicationMetrics {
    return { ...this.#counters }
  }

  metricsText(): string {
    const { clock } = this.#options.platform
    const { name, state, isPaused } = this
    return prometheusText(metricDefinitions, {
      applicationId: name,
      clientId: `${name}-${this.#owner.processId}`,
      state,
      isPaused,
      counters: this.#counters,
      measures: this.#measures,
      cacheBytes: this.#owner.cache?.bytes ?? 0,
      tasks: [...(this.#life?.tasks ?? [])],
      nowMs: clock.now(),
      monotonicMs: clock.monotonic(),
    })
  }

  async untilEnd({ signal }: { signal?: AbortSignal } = {}): Promise<ApplicationMetrics> {
    // Who aborts does not wait for a commit or an answer that a log in trouble may hold up for minutes.
    await orAborted(this.#reachEnd(signal), signal)
    if (this.#failure !== null) throw this.#failure.error
    return this.metrics()
  }

  async #reachEnd(signal: AbortSignal | undefined): Promise<void> {
    const { client, onProgress } = this.#options
    const life = this.#life
    assert(life !== undefined)
    const { topology, plan } = life.planned
    const stopped = (): boolean => signal?.aborted === true || this.#machine.stopping
    const nextProgress = (timeoutMs: number): Promise<void> => this.#nextProgress(timeoutMs)
    this.#isBounded = true
    try {
      await reachEnd({ client, topology, plan, nextProgress, stopped, onProgress })
      // Everything may have been done before: who asks for the stores next finds them restored.
      while (this.state !== 'RUNNING' && !stopped()) await nextProgress(lookIntervalMs)
      await this.#life?.settle()
    } catch (error) {
      throw this.#failure === null ? error : this.#failure.error
    } finally {
      this.#isBounded = false
    }
  }

  #nextProgress(timeoutMs: number): Promise<void> {
    const { timers } = this.#options.platform
    return this.#life?.nextProgress(timeoutMs) ?? pause(timers, timeoutMs)
  }

  store<S extends QueryableStore = QueryableStore>(name: string, options?: StoreQueryOptions): S {
    const view: unknown = this.#queries.store(name, options)
    // The caller names the interface that the kind of the store's definition promises.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return view as S
  }

  query<Result>(request: QueryRequest<Result>): Promise<QueryResult<Result>> {
    return this.#queries.query(request)
  }

  get endpoint(): string | null {
    return this.#server?.endpoint ?? null
  }

  get streamsMetadata(): StreamsMetadata {
    return this.#queries.metadata
  }

  allLocalStorePartitionLags(): Promise<Map<string, Map<number, LagInfo>>> {
    return this.#queries.lags()
  }

  async close(options: CloseOptions = {}): Promise<void> {
    if (!this.#machine.stopping) {
      this.#closing = options
      this.#machine.to('PENDING_SHUTDOWN')
    }
    this.#sleeper.close()
    this.#beginning.abort()
    this.#life?.stop(this.#closing)
    const { timers } = this.#options.platform
    const timeout = timers.schedule(closeTimeoutMs, () => this.#life?.giveUp())
    try {
      await this.finished
    } catch (error) {
      // Of what stopped the instance before it was closed `finished` tells.
      if (this.state === 'NOT_RUNNING') throw error
    } finally {
      timeout.cancel()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #live(first: WorkerLife): Promise<void> {
    let life: WorkerLife | undefined = first
    while (life !== undefined) life = await this.#liveOnce(life)
    await this.#server?.close()
    this.#options.onClosed()
    this.#machine.to(this.state === 'PENDING_ERROR' ? 'ERROR' : 'NOT_RUNNING')
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Returns the next life, if an error ended this one and it is to be replaced. */
  async #liveOnce(life: WorkerLife): Promise<WorkerLife | undefined> {
    this.#life = life
    this.#hasRun = false
    if (this.#machine.stopping) life.stop(this.#closing)
    let isReplaced = false
    try {
      await life.work()
    } catch (error) {
      this.#measures.failures++
      const response = this.#responseTo(error)
      isReplaced = response === 'replace'
      if (response === 'stopAll') await life.stopAll()
    }
    try {
      await life.close()
    } catch (error) {
      // After a failure this is its consequence.
      if (isReplaced) this.#log(error)
      else this.#fail(error)
    }
    return isReplaced ? this.#nextLife() : undefined
  }

  /** Undefined when the instance is closed meanwhile, or an error is to end it. */
  async #nextLife(): Promise<WorkerLife | undefined> {
    while (await this.#sleeper.sleep(this.#uncaught.nextPauseMs())) {
      try {
        return await this.#begin()
      } catch (error) {
        if (this.#responseTo(error) !== 'replace') break
      }
    }
    return undefined
  }

  /** Begins to stop the instance after an error, unless its worker is to be replaced. */
  #responseTo(error: unknown): UncaughtExceptionResponse {
    const response = this.#machine.stopping ? 'stop' : this.#uncaught.ask(error)
    if (response === 'replace') {
      this.#machine.to('REBALANCING')
      this.#log(error, 'its worker is replaced')
    } else {
      this.#fail(error)
    }
    return response
  }

  /** The first failure is the cause; what fails while the rest is closed is its consequence. */
  #fail(error: unknown): void {
    this.#failure ??= { error }
    if (!this.#machine.stopping) this.#machine.to('PENDING_ERROR')
    this.#log(error)
  }

  #log(error: unknown, then = 'it stops'): void {
    const { name } = this
    this.#options.logger.error({ application: name, error }, `${name} fails: ${then}`)
  }
}

/** Before the topics are looked at. */
const noPlan: PartitionPlan = { counts: new Map(), tasks: [] }
