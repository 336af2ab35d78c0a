import type { LogClient } from '../../client/log-client.ts'
import { MillraceError } from '../../errors.ts'
import type { Timers } from '../../platform/platform.ts'
import type { QueryableDefinition } from '../../state/store-definition.ts'
import type { QueryableStore } from '../../state/stores.ts'
import type { Topology } from '../../topology/topology.ts'
import type { ApplicationState } from '../application-state.ts'
import { pause } from '../pause.ts'
import { answerQuery, ask, reachedPosition } from './answer-query.ts'
import { copyGoal, type CopyGoal, learnPosition } from './copy-position.ts'
import type { HostedTask, HostedTasks } from './hosted-tasks.ts'
import { isReached, mergePositions, type Position } from './position.ts'
import type { PartitionResult, QueryRequest, QueryResult, Role } from './query.ts'
import { queryableStore, queryStore, type StoreQueryOptions } from './store-view.ts'
import type { StreamsMetadataState } from './streams-metadata.ts'

/** How far a store is behind its changelog. Kafka Streams' `LagInfo`. */
export interface LagInfo {
  /** Next offset of the changelog to be applied. */
  readonly currentOffset: number
  /** Next offset that will be written there. */
  readonly endOffset: number
  /** Records, and marks of transactions, in between; 0 where the task is at work. */
  readonly lag: number
}

export interface InstanceQueriesOptions {
  readonly name: string
  readonly topology: Topology
  readonly client: Pick<LogClient, 'listOffsets' | 'committedOffsets'>
  readonly timers: Timers
  readonly hosted: HostedTasks
  readonly metadata: StreamsMetadataState
  readonly globalStore: (name: string) => QueryableStore | undefined
  readonly state: () => ApplicationState
}

/** How often a partition is looked at that has not reached a bound. */
const lookIntervalMs = 5

/** What can be asked of the stores of one instance. */
export class InstanceQueries {
  readonly #options: InstanceQueriesOptions

  constructor(options: InstanceQueriesOptions) {
    this.#options = options
  }

  get metadata(): StreamsMetadataState {
    return this.#options.metadata
  }

  get topology(): Topology {
    return this.#options.topology
  }

  globalStore(name: string): QueryableStore | undefined {
    return this.#options.globalStore(name)
  }

  store(name: string, options?: StoreQueryOptions): QueryableStore {
    const { topology, globalStore } = this.#options
    const tasks = (definition: QueryableDefinition, asked: StoreQueryOptions): HostedTask[] =>
      this.#readableTasks(definition.name, asked)
    return queryStore(name, { topology, globalStore, tasks }, options)
  }

  #readableTasks(store: string, { partitions, stale = false }: StoreQueryOptions): HostedTask[] {
    this.requireOpen(store)
    const hosted = this.hosted(store)
    const isWanted = ({ role }: HostedTask): boolean => stale || role === 'active'
    if (partitions === undefined) {
      if (!stale && this.#options.state() !== 'RUNNING') throw this.#notReady(store)
      return [...hosted.values()].filter(isWanted)
    }
    return partitions.map(partition => {
      const task = hosted.get(partition)
      if (task !== undefined && isWanted(task)) return task
      throw this.#notReady(`${store}, partition ${partition}`)
    })
  }

  #notReady(store: string): MillraceError {
    return new MillraceError(
      'STORE_NOT_READY',
      `The store '${store}' cannot be read now: tasks of ${this.#options.name} are being moved or restored. Try again ` +
        `when the application is RUNNING.`,
    )
  }

  /** Throws CLOSED when the instance is stopping. */
  requireOpen(store: string): void {
    const { name, state } = this.#options
    if (!endStates.has(state())) return
    throw new MillraceError('CLOSED', `The store '${store}' cannot be read: ${name} is ${state()}.`)
  }

  /** The tasks here that have a store, by partition. */
  hosted(store: string): Map<number, HostedTask> {
    const { hosted, topology } = this.#options
    return hosted.of(queryableStore(store, topology).subtopology)
  }

  /** The tasks here, whatever they are. */
  tasks(): { taskId: string; role: Role; position: Position }[] {
    return [...this.#options.hosted.all()].map(task => {
      return { taskId: task.taskId, role: task.role, position: reachedPosition(task, undefined) }
    })
  }

  async query<Result>(request: QueryRequest<Result>): Promise<QueryResult<Result>> {
    const { store, partitions } = request
    const global = this.#options.globalStore(store)
    if (global !== undefined) return typed(globalResult(global, request))
    this.requireOpen(store)
    const asked = partitions ?? [...this.hosted(store).keys()]
    const results = await Promise.all(asked.map(partition => this.#answer(partition, request)))
    const positions = results.flatMap(result => (result.ok ? [result.position] : []))
    return typed({
      partitions: new Map(results.map(result => [result.partition, result])),
      position: mergePositions(positions),
    })
  }

  async #answer(
    partition: number,
    request: QueryRequest<unknown>,
  ): Promise<PartitionResult<unknown>> {
    const { store, waitMs = 0, positionBound } = request
    const { metadata, timers, topology } = this.#options
    const count = metadata.partitions(queryableStore(store, topology).subtopology)
    if (!Number.isInteger(partition) || partition < 0 || partition >= count) {
      const message = `The store ${store} has the partitions 0 to ${count - 1}, and not ${partition}.`
      return { ok: false, partition, failure: 'DOES_NOT_EXIST', message }
    }
    const taskNow = (): HostedTask | undefined => this.hosted(store).get(partition)
    if (positionBound !== undefined) {
      const goal = await this.#goal(partition, request)
      for (let waitedMs = 0; ; waitedMs += lookIntervalMs) {
        const task = taskNow()
        if (goal !== undefined && task !== undefined) learnPosition(task.state, goal)
        const position = task === undefined ? {} : reachedPosition(task, request.isolation)
        if (isReached(positionBound, position, partition) || waitedMs >= waitMs) break
        await pause(timers, lookIntervalMs)
      }
    }
    return answerQuery(partition, taskNow(), request)
  }

  /** What a copy has to reach, if it is one and does not know that it has come as far as it is to have. */
  async #goal(
    partition: number,
    { store, positionBound = {}, isolation }: QueryRequest<unknown>,
  ): Promise<CopyGoal | undefined> {
    const task = this.hosted(store).get(partition)
    if (task === undefined || task.role === 'active') return undefined
    if (isReached(positionBound, reachedPosition(task, isolation), partition)) return undefined
    const { client, metadata, topology } = this.#options
    const planned = metadata.plannedTask(task.taskId)
    return planned && copyGoal(client, topology.applicationId, planned)
  }

  /** By store and partition. */
  async lags(): Promise<Map<string, Map<number, LagInfo>>> {
    const { hosted, topology, client } = this.#options
    const open: { store: string; topic: string; partition: number; task: HostedTask }[] = []
    for (const { id, stores } of topology.subtopologies) {
      for (const [partition, task] of hosted.of(id)) {
        for (const { name: store, changelogTopic, sourceTopic } of stores) {
          const topic = changelogTopic ?? sourceTopic
          if (topic !== undefined) open.push({ store, topic, partition, task })
        }
      }
    }
    const lags = new Map<string, Map<number, LagInfo>>()
    if (open.length === 0) return lags
    const ends = await client.listOffsets(open, 'latest')
    for (const { store, topic, partition, task } of open) {
      const end =
        ends.find(each => each.topic === topic && each.partition === partition)?.offset ?? 0
      const current =
        task.role === 'active' ? end : (task.state.checkpoint({ topic, partition }) ?? 0)
      const ofStore = lags.get(store) ?? new Map<number, LagInfo>()
      lags.set(store, ofStore)
      ofStore.set(partition, {
        currentOffset: current,
        endOffset: end,
        lag: Math.max(0, end - current),
      })
    }
    return lags
  }
}

const endStates: ReadonlySet<ApplicationState> = new Set([
  'PENDING_SHUTDOWN',
  'NOT_RUNNING',
  'PENDING_ERROR',
  'ERROR',
])

/** A global store has all rows on every instance: one partition. */
function globalResult(
  store: QueryableStore,
  { query, store: name }: QueryRequest<unknown>,
): QueryResult<unknown> {
  const answer = ask(store, query)
  const result: PartitionResult<unknown> =
    answer === null
      ? {
          ok: false,
          partition: 0,
          failure: 'UNKNOWN_QUERY_TYPE',
          message: `The global store ${name} does not answer ${query.kind} queries.`,
        }
      : { ok: true, partition: 0, value: answer.value, role: 'active', position: {} }
  return { partitions: new Map([[0, result]]), position: {} }
}

/** Whoever made the query has said what the result is. */
function typed<Result>(result: QueryResult<unknown>): QueryResult<Result> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return result as QueryResult<Result>
}
