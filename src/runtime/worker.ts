import type { MillraceError } from '../errors.ts'
import type { GroupMember } from '../client/log-client.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import { closeAll } from './close-all.ts'
import { commit, type CommitTarget, DamagedBeforeCommit } from './commit.ts'
import { type CommitLog, CommitUndone, isMigration } from './commit-log.ts'
import type { CommitPatience } from './commit-patience.ts'
import { areDrained, drain } from './drain.ts'
import { Errands } from './errands.ts'
import type { Inputs } from './inputs.ts'
import { isCorruption } from './is-corruption.ts'
import { Latch } from './latch.ts'
import type { Share } from './member-data.ts'
import type { InstanceMeasures } from './metrics/instance-measures.ts'
import type { RecordCollector } from './record-collector.ts'
import type { RepartitionPurge } from './repartition-purge.ts'
import type { StartedTask } from './start-task.ts'
import type { Task } from './task.ts'
import type { Throughput } from './throughput.ts'

/** How long tasks may keep the event loop before heartbeats, fetches and timers get their turn. */
const sliceMs = 5
/** How long closing, and giving tasks to others, wait for work that takes time; what has not ended by then is done again. */
const drainTimeoutMs = 5000
/** Records that a task processes before the next one gets its turn and the clock is read. */
const turnRecords = 64
/** How long a fetch waits for records when there is nothing to process. `poll.ms` of Kafka Streams. */
const idleFetchMs = 100
/** Bytes of outputs that bring the commit forward. */
const maxPendingBytes = 16 * 1024 * 1024
/** Records processed that bring the commit forward: what they changed in the stores is in memory until then. */
const maxUncommittedRecords = 100_000

export interface WorkerOptions {
  readonly platform: Platform
  readonly logger: Logger
  readonly inputs: (arrival: () => void) => Inputs
  readonly commitLog: CommitLog
  readonly collector: RecordCollector
  readonly member: () => GroupMember
  readonly lookUpTopics: CommitTarget['lookUpTopics']
  readonly commitIntervalMs: number
  readonly patience: CommitPatience
  readonly throughput: Throughput
  readonly measures: InstanceMeasures
  readonly purge: RepartitionPurge
  /** Opens and restores a task; undefined when it was told to stop before the end. */
  readonly startTask: (id: string, signal: AbortSignal) => Promise<StartedTask | undefined>
  /** In a bounded run there is nothing to wait for once the input is consumed. */
  readonly isBounded: () => boolean
  /** Tasks process nothing meanwhile, and call no punctuators; all else goes on. */
  readonly isPaused: () => boolean
  /** Whether it reads what the plan of the topology says now. */
  readonly isAsPlanned: (task: Task) => boolean
  /** All tasks process records now, or some do not yet. */
  readonly onRunning: (running: boolean) => void
}

/**
 * The loop that runs the tasks of one instance: hands them what was fetched, lets each of them process in slices of a few
 * milliseconds, and commits when it is due. Whatever comes from outside (the group, a bounded run, closing) is
 * put in a queue and done between two slices, so nothing happens to a task while it is at work. Kafka Streams'
 * `StreamThread`.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #inputs: Inputs
  readonly #wake: Latch
  readonly #progress: Latch
  readonly #tasks = new Map<string, Task>()
  readonly #starting = new Map<string, Starting>()
  readonly #errands: Errands
  #uncommittedRecords = 0
  /** A commit is due, and waits for work that takes time. */
  #draining = false
  #stopping = false
  #isIdle = true
  #lastCommitAt: number

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#wake = new Latch(options.platform.timers)
    this.#progress = new Latch(options.platform.timers)
    this.#errands = new Errands(() => this.#wake.open())
    this.#inputs = options.inputs(() => this.#wake.open())
    this.#lastCommitAt = options.platform.clock.monotonic()
  }

  /** Ids of the tasks that run or are about to. */
  get owned(): readonly string[] {
    return [...this.#tasks.keys(), ...this.#starting.keys()]
  }

  get tasks(): Iterable<Task> {
    return this.#tasks.values()
  }

  /** Runs until `stop`, or until something fails, which rejects; the tasks are closed in either case. */
  run(): Promise<void> {
    const work = () => this.#work()
    const closeTasks = () => this.#closeAll()
    const closeInputs = () => this.#inputs.close()
    return closeAll([work, closeTasks, closeInputs], this.#options.logger)
  }

  /** Tasks have records to process, or are restored. */
  get isBusy(): boolean {
    return !this.#isIdle || this.#starting.size > 0
  }

  /** There may be something to do. */
  wake(): void {
    this.#wake.open()
  }

  /** Asks `run` to commit, close and end. */
  stop(): void {
    this.#stopping = true
    this.#wake.open()
  }

  /**
   * What this instance has now. Tasks that it has already go on, unless they are to read other topics; those that are revoked
   * are committed and closed; new ones start one by one, in the background.
   */
  assigned({ tasks, revoked, awaitsTasks }: Share): Promise<void> {
    return this.#errands.add(async () => {
      const had = new Set([...tasks, ...revoked])
      const outdated = this.#running(task => !this.#options.isAsPlanned(task))
      const kept = new Set(tasks.filter(id => !outdated.includes(id)))
      const leaving = this.#running(({ taskId }) => !kept.has(taskId))
      const isCommittable =
        leaving.length === 0 || (leaving.every(id => had.has(id)) && (await this.#drain()))
      // What tasks wrote that cannot be committed is among what all have written.
      if (!isCommittable) await this.#closeAll()
      else if (leaving.length > 0 && !(await this.#commitOrLose())) return
      await this.#closeTasks(id => !kept.has(id))
      for (const id of tasks) if (!this.#has(id)) this.#start(id)
      // Who is to have its first tasks in a moment has not done its share yet.
      const awaitsFirst = awaitsTasks && tasks.length === 0
      if (this.#starting.size === 0 && !awaitsFirst) this.#allRun()
    })
  }

  /** The group has taken the tasks away: drop them. */
  lost(): Promise<void> {
    return this.#errands.add(() => this.#lose())
  }

  /** Something without which the tasks cannot go on has failed: `run` ends with the error. */
  failed(error: unknown): void {
    if (this.#stopping) this.#options.logger.error({ error }, 'Something failed while stopping')
    void this.#errands.add(async () => {
      throw error
    })
  }

  /** Resolves when what is under way, such as a commit, has ended. */
  settle(): Promise<void> {
    return this.#errands.add(async () => {})
  }

  /** Resolves when the next commit is done or all tasks run, or after `timeoutMs`. For one waiter at a time. */
  nextProgress(timeoutMs: number): Promise<void> {
    return this.#progress.wait(timeoutMs)
  }

  async #work(): Promise<void> {
    try {
      while (!this.#stopping) await this.#turn()
      if (await this.#drain()) await this.#commitOrLose()
    } catch (error) {
      await this.#sendDeadLetters()
      throw error
    } finally {
      this.#errands.end()
      this.#progress.open()
    }
  }

  async #turn(): Promise<void> {
    await this.#errands.run()
    const arrived = this.#inputs.deliver()
    const processed = await this.#slice()
    const punctuated = await this.#punctuate()
    this.#inputs.balance()
    const idle = processed === 0 && !arrived && !punctuated
    this.#isIdle = idle
    this.#inputs.fetch(idle ? idleFetchMs : 0)
    if (this.#isToCommit(idle)) await this.#commitOrLose()
    else if (idle) await this.#wake.wait(this.#idleMs())
    else await this.#options.platform.timers.yield()
  }

  /** Lets every task process until all wait for input or the slice is over; returns the number of records. */
  async #slice(): Promise<number> {
    const { clock } = this.#options.platform
    const begin = clock.monotonic()
    const end = begin + sliceMs
    const expired = (): boolean => this.#stopping || clock.monotonic() >= end
    let total = 0
    for (let round = -1; round !== 0 && !expired(); total += round) {
      round = 0
      for (const task of this.#tasks.values()) {
        try {
          round += task.completeCalls()
          if (this.#isAtRest(task)) continue
          round += task.process(turnRecords, expired)
        } catch (error) {
          if (!isCorruption(error)) throw error
          await this.#startAnewWithout(task, error)
        }
      }
    }
    this.#uncommittedRecords += total
    if (total > 0) {
      const now = clock.monotonic()
      this.#options.measures.process.add(now - begin, now)
    }
    return total
  }

  /**
   * What tells why a task failed reaches the log although its work does not. Letters of records that were left out since the
   * last commit are written once more when those are processed again.
   */
  async #sendDeadLetters(): Promise<void> {
    const topics = new Set([...this.#tasks.values()].flatMap(task => [...task.deadLetterTopics]))
    if (topics.size === 0) return
    const { collector, commitLog, lookUpTopics, logger } = this.#options
    try {
      collector.know(await lookUpTopics(collector.unknownTopics))
      const letters = collector.drain().filter(({ topic }) => topics.has(topic))
      if (letters.length > 0) await commitLog.write(letters)
    } catch (error) {
      // The failure that they tell of is the one to report.
      logger.error({ error }, 'Dead letters could not be written')
    }
  }

  /** Has the tasks call what is due by the wall clock, input or not, and says whether there was anything. */
  async #punctuate(): Promise<boolean> {
    const { clock } = this.#options.platform
    const begin = clock.monotonic()
    let punctuated = false
    for (const task of this.#tasks.values()) {
      if (this.#isAtRest(task)) continue
      try {
        if (task.punctuateWallClock()) punctuated = true
      } catch (error) {
        if (!isCorruption(error)) throw error
        await this.#startAnewWithout(task, error)
      }
    }
    if (punctuated) {
      const now = clock.monotonic()
      this.#options.measures.punctuate.add(now - begin, now)
    }
    return punctuated
  }

  /** How long there is nothing to do if nothing arrives. */
  #idleMs(): number {
    const { platform, commitIntervalMs } = this.#options
    let idleMs = commitIntervalMs
    for (const task of this.#tasks.values()) {
      const { nextWallClockPunctuationMs: next } = task
      if (next === Infinity || this.#isAtRest(task)) continue
      idleMs = Math.min(idleMs, Math.max(0, next - platform.clock.now()))
    }
    return idleMs
  }

  /** A commit that is due waits until the work has ended that takes time. */
  #isToCommit(idle: boolean): boolean {
    this.#draining ||= this.#commitIsDue(idle)
    if (!this.#draining || !areDrained(this.#tasks.values())) return false
    this.#draining = false
    return true
  }

  /**
   * Whether the task begins nothing new: it is paused, or a commit waits for it to come to an end with what it has begun, or there
   * is no room for more while others do.
   */
  #isAtRest(task: Task): boolean {
    return this.#options.isPaused() || (this.#draining && (task.isAsync || this.#isFull()))
  }

  /** Waits for work that takes time, and says whether everything can be committed now. */
  async #drain(): Promise<boolean> {
    const { clock } = this.#options.platform
    const untilMs = clock.monotonic() + drainTimeoutMs
    try {
      return await drain({
        tasks: () => this.#tasks.values(),
        wait: () => this.#wake.wait(untilMs - clock.monotonic()),
        isLate: () => clock.monotonic() >= untilMs,
      })
    } catch (error) {
      if (!isCorruption(error)) throw error
      this.#options.logger.warn(
        { error },
        'A store is damaged: what was not committed is done again',
      )
      return false
    }
  }

  #commitIsDue(idle: boolean): boolean {
    const tasks = [...this.#tasks.values()]
    if (!tasks.some(task => task.needsCommit)) return false
    // It would keep the tasks from their records until the leader of the group has shared out the tasks.
    if (!this.#options.member().commitsAtOnce && !this.#isFull()) return false
    if (tasks.some(task => task.wantsCommit)) return true
    if (this.#isFull()) return true
    const { platform, commitIntervalMs, isBounded } = this.#options
    if (idle && isBounded() && tasks.every(task => task.isCaughtUp)) return true
    return platform.clock.monotonic() - this.#lastCommitAt >= commitIntervalMs
  }

  #isFull(): boolean {
    const { bufferedBytes } = this.#options.collector
    return bufferedBytes >= maxPendingBytes || this.#uncommittedRecords >= maxUncommittedRecords
  }

  /** False when the tasks are lost. */
  async #commitOrLose(): Promise<boolean> {
    try {
      await this.#commit()
    } catch (error) {
      if (error instanceof CommitUndone) {
        if (this.#stopping) throw error.cause
        await this.#options.patience.failed(error)
        await this.#startAnew(error)
        return true
      }
      if (error instanceof DamagedBeforeCommit) {
        await this.#startAnewWithout(error.task, error.error)
        return true
      }
      if (!isMigration(error)) throw error
      this.#options.logger.warn({ error }, 'The group gave the tasks of this instance to others')
      await this.#lose()
      return false
    }
    return true
  }

  /** Whatever was not committed is processed again. */
  async #startAnew(error: CommitUndone): Promise<void> {
    const ids = [...this.#tasks.keys(), ...this.#starting.keys()]
    this.#options.logger.warn({ error }, 'A commit did not succeed: the tasks start anew')
    await this.#closeAll()
    for (const id of ids) this.#start(id)
  }

  /**
   * The same when a store was found damaged while its task worked: what that task has written and not committed is among
   * what all have written, and would be written twice.
   */
  async #startAnewWithout(damaged: Task, error: MillraceError): Promise<void> {
    const ids = [...this.#tasks.keys(), ...this.#starting.keys()]
    await this.#wipe(damaged, error)
    await this.#closeAll()
    for (const id of ids) this.#start(id)
  }

  async #commit(): Promise<void> {
    const { clock } = this.#options.platform
    const begin = clock.monotonic()
    const needed = [...this.#tasks.values()].filter(task => task.needsCommit)
    if (needed.length > 0) {
      const { commitLog, collector, member, lookUpTopics, throughput, purge, logger } =
        this.#options
      const target = { log: commitLog, collector, member: member(), lookUpTopics }
      const committed = await commit(needed, target)
      throughput.committed(committed)
      const end = clock.monotonic()
      this.#options.measures.commit.add(end - begin, end)
      purge.committed(committed.offsets)
      this.#options.patience.renew()
      for (const task of committed.overtaken) {
        logger.warn({ taskId: task.taskId }, 'Another instance wrote to a changelog of this task')
        await this.#close(task)
        this.#start(task.taskId)
      }
      for (const { task, error } of committed.damaged) await this.#rebuild(task, error)
    }
    this.#uncommittedRecords = 0
    this.#lastCommitAt = clock.monotonic()
    this.#progress.open()
  }

  #start(id: string): void {
    this.#options.onRunning(false)
    const controller = new AbortController()
    const started = this.#options.startTask(id, controller.signal).catch((error: unknown) => {
      this.failed(error)
      return undefined
    })
    this.#starting.set(id, { controller, started })
    void started.then(() => this.#errands.add(() => this.#begin(id, controller)))
  }

  async #begin(id: string, controller: AbortController): Promise<void> {
    const starting = this.#starting.get(id)
    // The task was closed while this waited for its turn.
    if (starting?.controller !== controller) return
    this.#starting.delete(id)
    const started = await starting.started
    if (started === undefined) return
    if (!this.#options.isAsPlanned(started.task)) {
      await started.task.close()
      this.#start(id)
      return
    }
    this.#tasks.set(id, started.task)
    this.#options.throughput.started(started)
    this.#inputs.add(started.task, started.positions)
    if (this.#starting.size === 0) this.#allRun()
  }

  #allRun(): void {
    this.#options.onRunning(true)
    this.#progress.open()
  }

  async #lose(): Promise<void> {
    this.#options.onRunning(false)
    this.#options.patience.renew()
    await this.#closeAll()
  }

  /** Without a commit. */
  async #closeAll(): Promise<void> {
    const closeTasks = () => this.#closeTasks(() => true)
    const discard = async () => this.#options.collector.discard()
    await closeAll([closeTasks, discard], this.#options.logger)
  }

  async #closeTasks(which: (id: string) => boolean): Promise<void> {
    const starting = [...this.#starting].filter(([id]) => which(id))
    for (const [id, { controller }] of starting) {
      this.#starting.delete(id)
      controller.abort()
    }
    const tasks = [...this.#tasks.values()].filter(({ taskId }) => which(taskId))
    const steps = [
      ...starting.map(
        ([, each]) =>
          () =>
            closeStarted(each),
      ),
      ...tasks.map(task => () => this.#close(task)),
    ]
    await closeAll(steps, this.#options.logger)
  }

  /** Ids of the tasks that run, of those that match. */
  #running(which: (task: Task) => boolean): string[] {
    return [...this.#tasks.values()].filter(which).map(({ taskId }) => taskId)
  }

  #has(id: string): boolean {
    return this.#tasks.has(id) || this.#starting.has(id)
  }

  async #close(task: Task): Promise<void> {
    this.#remove(task)
    await task.close()
  }

  /** Starts a task anew without its damaged stores, which restores them from the beginning of their changelogs. */
  async #rebuild(task: Task, error: MillraceError): Promise<void> {
    await this.#wipe(task, error)
    this.#start(task.taskId)
  }

  async #wipe(task: Task, error: MillraceError): Promise<void> {
    const { taskId } = task
    this.#options.logger.warn({ taskId, error }, 'A store is damaged: it is rebuilt')
    this.#remove(task)
    await task.wipe()
  }

  #remove(task: Task): void {
    this.#tasks.delete(task.taskId)
    this.#inputs.remove(task)
    this.#options.throughput.closed(task)
  }
}

interface Starting {
  readonly controller: AbortController
  readonly started: Promise<StartedTask | undefined>
}

async function closeStarted({ started }: Starting): Promise<void> {
  await (await started)?.task.close()
}
