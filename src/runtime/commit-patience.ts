import { backoffMs } from '../client/backoff.ts'
import { MillraceError } from '../errors.ts'
import type { Platform } from '../platform/platform.ts'
import type { CommitUndone } from './commit-log.ts'
import { pause } from './pause.ts'

type Surroundings = Pick<Platform, 'clock' | 'random' | 'timers'>

/** Commits that fail at long intervals have no common cause: it takes this many in a row. */
const fewest = 3

/**
 * Counts commits that fail one after another although the tasks start well in between: what they wait for does not come by itself,
 * and an instance that goes on for ever hides that. `taskTimeoutMs` is the patience with what the tasks need between the commits,
 * too (`task-timeout.ts`).
 */
export class CommitPatience {
  readonly #platform: Surroundings
  readonly #taskTimeoutMs: number
  readonly #checkTopics: () => Promise<void>
  #failures = 0
  #since = 0

  constructor(options: {
    platform: Surroundings
    taskTimeoutMs: number
    /** Throws MISSING_TOPIC when a topic that the tasks read or write is gone. */
    checkTopics: () => Promise<void>
  }) {
    this.#platform = options.platform
    this.#taskTimeoutMs = options.taskTimeoutMs
    this.#checkTopics = options.checkTopics
  }

  /** A commit has succeeded, or others have the tasks. */
  renew(): void {
    this.#failures = 0
  }

  /** Resolves when it is time to try again: at once, the first time. Rejects with what failed last when nothing was committed for `taskTimeoutMs`, and at once when a topic is gone. */
  async failed(undone: CommitUndone): Promise<void> {
    const { cause } = undone
    // Of a topic that is gone a client is told what it is told of one that a broker does not know yet.
    if (cause instanceof MillraceError && cause.code === 'LOG_ERROR_RETRIABLE') {
      await this.#checkTopics()
    }
    const { clock, random, timers } = this.#platform
    const now = clock.monotonic()
    const before = this.#failures++
    if (before === 0) {
      this.#since = now
      return
    }
    if (this.#failures < fewest || now - this.#since < this.#taskTimeoutMs) {
      await pause(timers, backoffMs(before, random))
      return
    }
    const seconds = this.#taskTimeoutMs / 1000
    throw new MillraceError(
      cause instanceof MillraceError ? cause.code : 'LOG_ERROR',
      `${this.#failures} commits in a row have failed, for ${seconds} s (taskTimeoutMs) and longer. See to the brokers, or ` +
        `give more time. The last failure: ${undone.message}`,
      { cause },
    )
  }
}
