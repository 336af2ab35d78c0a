import type { Logger } from '../logger.ts'
import { MillraceError } from '../errors.ts'
import type { ChildEnd } from '../platform/node-child-process.ts'
import type { Random, Timer, Timers } from '../platform/platform.ts'
import { judge, reason, wellAfterMs } from './restart-policy.ts'
import { type FromWorker, toldError, type ToWorker } from './worker-messages.ts'

/** A worker process, as its supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number | undefined
  /** To one that has ended it does nothing; `ended` tells of that. */
  send(message: ToWorker): void
  /** Ends it at once. */
  kill(): void
}

export interface WorkerEvents {
  message(message: FromWorker): void
  ended(end: ChildEnd): void
}

export interface SupervisorOptions {
  /** How many workers there are at first. */
  readonly workers: number
  /** Starts the process of a worker, whose number, from 1, stays the same over its restarts. */
  readonly start: (worker: number, events: WorkerEvents) => WorkerProcess
  readonly timers: Timers
  readonly random: Random
  readonly logger: Logger
  /** Called once, when all workers that there are at first process records. */
  readonly onRunning: () => void
}

/** What the workers have done. */
export interface WorkDone {
  readonly processed: number
  readonly emitted: number
  /** Whether a worker was killed, and took what it had counted with it. */
  readonly isLowerBound: boolean
}

/** How long workers may take to commit and close. Each waits 10 seconds for a log that does not answer. */
const drainTimeoutMs = 30_000

interface Worker {
  readonly number: number
  process: WorkerProcess | undefined
  /** Until the next start, or until it has run well for long. */
  timer: Timer | undefined
  failures: number
  isRunning: boolean
  isAskedToStop: boolean
  /** The error that it told of before it ended. */
  error: Error | undefined
  /** It told that all instances stop. */
  stopsAll: boolean
}

/**
 * Keeps worker processes of an application running: starts them anew when they end (`restart-policy.ts` says when, and when
 * no more), adds and removes some, and stops all in good order. They need it for nothing else: which of them has which work is
 * settled by their group, as between machines.
 */
export class Supervisor {
  /**
   * Resolves when all workers have stopped because they were asked to, or have reached the end of a bounded run. Rejects, when
   * all have stopped, with the error that a restart does not mend, or of a worker that could not stop in good order.
   */
  readonly finished: Promise<WorkDone>
  readonly #options: SupervisorOptions
  readonly #workers = new Map<number, Worker>()
  readonly #done = { processed: 0, emitted: 0, isLowerBound: false }
  #failure: Error | undefined
  #isStopping = false
  #toldRunning = false
  #drainTimer: Timer | undefined
  #finish: () => void = () => {}

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.finished = new Promise((resolve, reject) => {
      this.#finish = () => {
        this.#drainTimer?.cancel()
        if (this.#failure === undefined) resolve(this.#done)
        else reject(this.#failure)
      }
    })
    for (let number = 1; number <= options.workers; number++) this.#add(number)
  }

  /** Numbers of the workers that there are, or will be again. */
  get workers(): readonly number[] {
    const staying = [...this.#workers.values()].filter(worker => !worker.isAskedToStop)
    return staying.map(({ number }) => number).sort((a, b) => a - b)
  }

  /** One more worker, in the first state folder that is free. */
  add(): void {
    if (this.#isStopping) return
    let number = 1
    while (this.#workers.has(number)) number++
    this.#options.logger.info({ worker: number }, `Worker ${number} is added`)
    this.#add(number)
  }

  /** One worker less: the one with the highest number finishes and leaves its work to the others. The last one stays. */
  remove(): void {
    const { logger } = this.#options
    const [first, ...others] = this.workers
    const number = others.at(-1)
    const worker = number === undefined ? undefined : this.#workers.get(number)
    if (worker === undefined) {
      return logger.warn(
        { worker: first },
        'The last worker is not removed: stop the command instead',
      )
    }
    logger.info({ worker: number }, `Worker ${number} is removed`)
    this.#stop(worker, { forGood: true })
  }

  /** Has all workers finish what they have begun, commit and close. */
  stop({ forGood }: { forGood: boolean }): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#drainTimer = this.#options.timers.schedule(drainTimeoutMs, () => this.#outOfTime())
    for (const worker of this.#workers.values()) this.#stop(worker, { forGood })
    this.#finishWhenEmpty()
  }

  /** Ends all workers at once; `finished` follows as after `stop`. */
  kill(): void {
    this.stop({ forGood: false })
    for (const { process } of this.#workers.values()) process?.kill()
  }

  #add(number: number): void {
    const worker: Worker = {
      number,
      process: undefined,
      timer: undefined,
      failures: 0,
      isRunning: false,
      isAskedToStop: false,
      error: undefined,
      stopsAll: false,
    }
    this.#workers.set(number, worker)
    this.#start(worker)
  }

  #start(worker: Worker): void {
    const { start, logger } = this.#options
    const { number } = worker
    worker.error = undefined
    worker.stopsAll = false
    worker.isRunning = false
    worker.process = start(number, {
      message: message => this.#message(worker, message),
      ended: end => this.#ended(worker, end),
    })
    const { pid } = worker.process
    if (pid !== undefined)
      logger.info({ worker: number, pid }, `Worker ${number} is process ${pid}`)
  }

  #message(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'running':
        // It comes after each rebalance again.
        if (worker.isRunning) return
        worker.isRunning = true
        worker.timer = this.#options.timers.schedule(wellAfterMs, () => {
          worker.failures = 0
        })
        return this.#tellRunning()
      case 'reachedEnd':
        // Whoever did it, all of it is done.
        return this.stop({ forGood: true })
      case 'stopped':
        this.#done.processed += message.processed
        this.#done.emitted += message.emitted
        return
      case 'failed':
        worker.error = toldError(message)
        worker.stopsAll = message.stopsAll
    }
  }

  #tellRunning(): void {
    if (this.#toldRunning) return
    if (![...this.#workers.values()].every(({ isRunning }) => isRunning)) return
    this.#toldRunning = true
    this.#options.onRunning()
  }

  #ended(worker: Worker, end: ChildEnd): void {
    worker.timer?.cancel()
    worker.process = undefined
    const ended = { end, error: worker.error, stopsAll: worker.stopsAll }
    const endedWell = 'code' in end && end.code === 0
    if (!endedWell) this.#done.isLowerBound = true
    if (worker.isAskedToStop) {
      // What was asked of all is told once.
      if (!endedWell && !worker.stopsAll) this.#stoppedBadly(worker, ended)
      return this.#gone(worker)
    }
    const { logger, random, timers } = this.#options
    const { number } = worker
    const verdict = judge(number, ended, worker.failures, random)
    if (verdict.kind === 'stopAll') {
      this.#failure ??= verdict.error
      this.#workers.delete(number)
      return this.stop({ forGood: true })
    }
    const pauseMs = Math.round(verdict.pauseMs)
    worker.failures = verdict.failures
    const how = `Worker ${number} is gone, because ${reason(ended)}`
    logger.warn({ worker: number, failures: worker.failures, pauseMs }, `${how} It starts anew.`)
    worker.timer = timers.schedule(pauseMs, () => this.#start(worker))
  }

  #stoppedBadly({ number }: Worker, ended: Parameters<typeof reason>[0]): void {
    const message =
      `Worker ${number} did not stop in good order, because ${reason(ended)} What it had processed since its last ` +
      `commit is processed again by whoever takes its work over.`
    this.#options.logger.error({ worker: number }, message)
    this.#failure ??= new MillraceError('WORKER_FAILED', message, { cause: ended.error })
  }

  #stop(worker: Worker, { forGood }: { forGood: boolean }): void {
    if (worker.isAskedToStop) return
    worker.isAskedToStop = true
    if (worker.process !== undefined) return worker.process.send({ kind: 'stop', forGood })
    worker.timer?.cancel()
    this.#gone(worker)
  }

  #gone({ number }: Worker): void {
    this.#workers.delete(number)
    this.#options.logger.info({ worker: number }, `Worker ${number} has stopped`)
    this.#finishWhenEmpty()
  }

  #finishWhenEmpty(): void {
    if (this.#isStopping && this.#workers.size === 0) this.#finish()
  }

  #outOfTime(): void {
    const { logger } = this.#options
    const workers = [...this.#workers.keys()]
    const message = `Workers ${workers.join(', ')} did not stop within ${drainTimeoutMs / 1000} s and are ended`
    logger.error({ workers }, message)
    this.kill()
  }
}
