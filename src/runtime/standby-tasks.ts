import {
  type FetchedPartition,
  type LogClient,
  type LogConsumer,
  OffsetOutOfRange,
  type TopicPartition,
} from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Clock, Timers } from '../platform/platform.ts'
import type { TaskState } from '../state/task-state.ts'
import { changelogsOf } from './changelogs.ts'
import { isCorruption } from './is-corruption.ts'
import { Latch } from './latch.ts'
import type { PlannedTask } from './partition-plan.ts'
import type { StandbyUpdateListener } from './restore-listener.ts'
import { StandbyTask } from './standby-task.ts'

export interface StandbyOptions {
  readonly group: string
  readonly client: Pick<LogClient, 'consumer' | 'listOffsets' | 'committedOffsets'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly timers: Timers
  readonly logger: Logger
  readonly listener: StandbyUpdateListener
  /** Throws when the topology has no such task. */
  readonly planned: (id: string) => PlannedTask
  /** Opens the stores of a task. */
  readonly open: (planned: PlannedTask) => Promise<TaskState>
  /** The stores of a standby are open; what it returns is called before they close, or the task runs here. */
  readonly onOpened: (state: TaskState) => () => void
  /** Whether tasks of this instance have records to process, or state to restore. */
  readonly isBusy: () => boolean
  readonly onRestored: (records: number) => void
  readonly failed: (error: unknown) => void
}

/** How long a fetch waits for records, and a batch for tasks that are busy. */
const waitMs = 100
/** How often to look how far the topics are processed that stand for changelogs. */
const limitsEveryMs = 1000
const retryMs = 1000

/**
 * The standbys of an instance. One consumer reads their changelogs, and batch by batch they are applied while the tasks
 * that run here have nothing to do; a batch every tenth of a second when they always have. A task that is to run here
 * takes the open state of its standby over. Whatever is done with the stores is done one after another. Kafka Streams'
 * `StandbyTask`s, and what serves them in `DefaultStateUpdater`.
 */
export class StandbyTasks {
  readonly #options: StandbyOptions
  readonly #wanted = new Set<string>()
  readonly #tasks = new Map<string, StandbyTask>()
  readonly #wake: Latch
  /** The last thing that is done with the stores. */
  #last: Promise<unknown> = Promise.resolve()
  #running: Promise<void> | undefined
  #limitsAt = -Infinity
  #closed = false

  constructor(options: StandbyOptions) {
    this.#options = options
    this.#wake = new Latch(options.timers)
  }

  /** Those whose stores are open. */
  get tasks(): Iterable<StandbyTask> {
    return this.#tasks.values()
  }

  /** Ids of those that were assigned last. */
  get ids(): string[] {
    return [...this.#wanted]
  }

  /** Has the state of these tasks kept ready, in the background, and of no others. */
  assigned(ids: readonly string[]): void {
    // The group may go on giving tasks to an instance that closes.
    if (this.#closed) return
    this.#wanted.clear()
    for (const id of ids) this.#wanted.add(id)
    this.#wake.open()
    this.#begin()
  }

  /** The open state of a standby, which is none from here on; undefined where there is none. */
  take(id: string): Promise<TaskState | undefined> {
    this.#wanted.delete(id)
    return this.#exclusively(async () => {
      const task = this.#tasks.get(id)
      this.#tasks.delete(id)
      task?.end('promoted')
      return task?.state
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wanted.clear()
    this.#wake.open()
    await this.#running
    await this.#closeOthers()
  }

  get #hasWork(): boolean {
    return !this.#closed && (this.#wanted.size > 0 || this.#tasks.size > 0)
  }

  #begin(): void {
    if (this.#running !== undefined || !this.#hasWork) return
    const run = async (): Promise<void> => {
      try {
        await this.#run()
        this.#running = undefined
        this.#begin()
      } catch (error) {
        this.#options.failed(error)
      }
    }
    this.#running = run()
  }

  async #run(): Promise<void> {
    const { client } = this.#options
    const reader = new ChangelogReader(client.consumer({ isolation: 'readCommitted' }))
    try {
      while (this.#hasWork) {
        await this.#patiently(() => this.#turn(reader))
      }
    } finally {
      await reader.close()
    }
  }

  /** A log that is away for a while is waited for. */
  async #patiently(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retriable || this.#closed) throw error
      this.#options.logger.warn({ error }, 'Standbys could not be brought forward; trying again')
      await this.#wake.wait(retryMs)
    }
  }

  async #turn(reader: ChangelogReader): Promise<void> {
    await this.#closeOthers()
    for (const id of this.#wanted) await this.#open(id)
    await this.#lookUpLimits()
    if (this.#options.isBusy()) await this.#wake.wait(waitMs)
    if (this.#closed || this.#tasks.size === 0) return
    try {
      for (const fetched of await reader.read([...this.#tasks.values()])) await this.#apply(fetched)
    } catch (error) {
      if (!(error instanceof OffsetOutOfRange)) throw error
      await this.#exclusively(() => this.#wipe(this.#taskOf(error), error))
    }
  }

  async #apply(fetched: FetchedPartition): Promise<void> {
    await this.#exclusively(async () => {
      const task = this.#taskOf(fetched)
      if (task === undefined || !this.#wanted.has(task.taskId)) return
      try {
        this.#options.onRestored(await task.apply(fetched))
      } catch (error) {
        if (!isCorruption(error)) throw error
        await this.#wipe(task, error)
      }
    })
    await this.#options.timers.yield()
  }

  #taskOf(changelog: TopicPartition): StandbyTask | undefined {
    return [...this.#tasks.values()].find(task => task.reads(changelog))
  }

  /** Begins anew with a store that is damaged, or whose changelog does not have what it lacks. */
  async #wipe(task: StandbyTask | undefined, error: unknown): Promise<void> {
    if (task === undefined) return
    const { taskId } = task
    this.#options.logger.warn({ taskId, error }, 'A standby is restored from the beginning')
    this.#tasks.delete(taskId)
    task.end()
    await task.state.wipe()
  }

  async #open(id: string): Promise<void> {
    const { client, listener, onOpened } = this.#options
    if (this.#tasks.has(id)) return
    await this.#exclusively(async () => {
      if (!this.#wanted.has(id) || this.#closed) return
      const planned = this.#options.planned(id)
      const starts = await client.listOffsets(changelogsOf(planned), 'earliest')
      const state = await this.#options.open(planned)
      this.#tasks.set(
        id,
        new StandbyTask(planned, state, { starts, listener, onEnd: onOpened(state) }),
      )
      this.#limitsAt = -Infinity
    })
  }

  async #closeOthers(): Promise<void> {
    const isOther = ({ taskId }: StandbyTask): boolean => !this.#wanted.has(taskId)
    if (![...this.#tasks.values()].some(isOther)) return
    await this.#exclusively(async () => {
      for (const task of [...this.#tasks.values()].filter(isOther)) {
        this.#tasks.delete(task.taskId)
        task.end('migrated')
        await task.state.close()
      }
    })
  }

  async #lookUpLimits(): Promise<void> {
    const { client, group, clock } = this.#options
    const now = clock.monotonic()
    if (now < this.#limitsAt + limitsEveryMs) return
    this.#limitsAt = now
    const tasks = [...this.#tasks.values()]
    const sources = tasks.flatMap(task => task.sources)
    if (sources.length === 0) return
    for (const committed of await client.committedOffsets(group, sources)) {
      for (const task of tasks) {
        if (task.reads(committed)) task.limit(committed)
      }
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}

/** A consumer that reads what the tasks want, from where they are. */
class ChangelogReader {
  readonly #consumer: LogConsumer
  #assigned = ''

  constructor(consumer: LogConsumer) {
    this.#consumer = consumer
  }

  async read(tasks: readonly StandbyTask[]): Promise<FetchedPartition[]> {
    const positions = tasks.flatMap(task => task.positions)
    const assigned = positions.map(partitionName).join()
    if (assigned !== this.#assigned) {
      this.#consumer.assign(positions)
      this.#assigned = assigned
    }
    // What was polled last may not have been applied, or not all of it.
    for (const position of positions) {
      if (this.#consumer.position(position) !== position.offset) this.#consumer.seek(position)
    }
    return this.#consumer.poll(waitMs)
  }

  close(): Promise<void> {
    return this.#consumer.close()
  }
}
