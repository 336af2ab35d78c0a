import { join } from 'node:path'
import type { Logger } from '../logger.ts'
import type { Platform, Timer } from '../platform/platform.ts'
import { openTaskState } from '../state/open-task-state.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { TaskState } from '../state/task-state.ts'
import type { PlannedTask } from './partition-plan.ts'
import { StoredOffsets } from './stored-offsets.ts'

export interface StateDirectoryOptions {
  readonly engine: StoreEngine
  readonly platform: Platform
  readonly stateFolder: string
  readonly stateCleanupDelayMs: number
  readonly logger: Logger
  readonly failed: (error: unknown) => void
}

/** How often to look for state that nobody needs any more, and to write down how far the rest is. */
const lookEveryMs = 60_000

/**
 * The state of tasks that an instance has: opens it, knows how far it goes, and removes it when the task has not been here
 * for `stateCleanupDelayMs`. Kafka Streams' `StateDirectory`.
 */
export class StateDirectory {
  readonly #options: StateDirectoryOptions
  readonly #folder: string
  readonly #offsets: StoredOffsets
  readonly #open = new Map<string, TaskState>()
  /** Since when folders are not in use, by task, on the monotonic clock. */
  readonly #unusedSince = new Map<string, number>()
  /** What is under way with folders: opening one waits for it. */
  #removing: Promise<void> = Promise.resolve()
  #timer: Timer | undefined
  #closed = false

  constructor(options: StateDirectoryOptions) {
    this.#options = options
    const { platform, stateFolder, logger } = options
    this.#folder = join(stateFolder, 'tasks')
    this.#offsets = new StoredOffsets({ files: platform.files, folder: stateFolder, logger })
    this.#look()
  }

  /** The stores of a task, open. Throws what `openTaskState` throws. */
  async open({ id, subtopology }: PlannedTask): Promise<TaskState> {
    const { engine, platform, logger } = this.#options
    this.#unusedSince.set(id, Infinity)
    await this.#removing
    const state = await openTaskState({
      engine,
      taskId: id,
      stores: subtopology.stores,
      bootId: platform.clock.bootId,
      logger,
      onEnd: (ended, end) => {
        this.#open.delete(id)
        this.#unusedSince.set(id, platform.clock.monotonic())
        if (end === 'closed') this.#offsets.note(ended)
        else this.#offsets.forget(id)
      },
    })
    this.#open.set(id, state)
    return state
  }

  /** How far the state goes of all tasks that have any here: the sums of their changelogs' offsets. */
  get offsets(): Map<string, number> {
    const offsets = new Map(this.#folders().map(id => [id, this.#offsets.of(id)]))
    for (const [id, { offsetSum }] of this.#open) offsets.set(id, offsetSum)
    return offsets
  }

  /** When all state is closed: writes down how far it goes. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#removing
    await this.#offsets.close()
  }

  #look(): void {
    if (this.#closed) return
    const { platform, stateCleanupDelayMs, failed } = this.#options
    for (const state of this.#open.values()) this.#offsets.note(state)
    this.#removing = this.#removeUnused().catch(failed)
    const ms = Math.min(lookEveryMs, Math.max(1000, stateCleanupDelayMs))
    this.#timer = platform.timers.schedule(ms, () => this.#look())
  }

  async #removeUnused(): Promise<void> {
    const { engine, platform, stateCleanupDelayMs, logger } = this.#options
    const now = platform.clock.monotonic()
    for (const id of this.#folders()) {
      const since = this.#unusedSince.get(id)
      if (since === undefined) this.#unusedSince.set(id, now)
      else if (now - since >= stateCleanupDelayMs) {
        logger.info({ taskId: id }, `The state of task ${id} is removed: it has moved away`)
        await engine.destroy(id)
        this.#unusedSince.delete(id)
        this.#offsets.forget(id)
      }
    }
  }

  #folders(): string[] {
    return this.#options.platform.files.list(this.#folder).filter(name => /^\d+_\d+$/.test(name))
  }
}
