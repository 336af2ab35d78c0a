import type { UncaughtExceptionHandler, UncaughtExceptionResponse } from '../dsl/streams-config.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'

const firstPauseMs = 100
const longestPauseMs = 10_000
/** An instance that ran that long without an error has recovered: the next error is the first one again. */
const calmMs = 60_000

/**
 * Asks the user what is to become of an instance after an error that nothing else has handled, and how long to wait before it
 * goes on: an error that comes again at once must not become a loop that burns the processor and the brokers.
 */
export class UncaughtErrors {
  readonly #handler: UncaughtExceptionHandler
  readonly #platform: Pick<Platform, 'clock' | 'random'>
  readonly #logger: Logger
  #replacements = 0
  #lastAt = -Infinity

  constructor(options: {
    handler: UncaughtExceptionHandler
    platform: Pick<Platform, 'clock' | 'random'>
    logger: Logger
  }) {
    this.#handler = options.handler
    this.#platform = options.platform
    this.#logger = options.logger
  }

  /** A handler that throws, or answers what is no answer, stops the instance. */
  ask(error: unknown): UncaughtExceptionResponse {
    // The handler of another instance has decided already.
    if (error instanceof MillraceError && error.code === 'SHUTDOWN_REQUESTED') return 'stop'
    try {
      const response = this.#handler(error)
      if (responses.has(response)) return response
      this.#logger.error(
        { response },
        'The uncaught exception handler gave no answer that there is',
      )
    } catch (thrown) {
      this.#logger.error({ error: thrown }, 'The uncaught exception handler threw')
    }
    return 'stop'
  }

  /** How long to wait before the next replacement, in milliseconds: from 0.1 s, doubling up to 10 s. */
  nextPauseMs(): number {
    const now = this.#platform.clock.monotonic()
    if (now - this.#lastAt > calmMs) this.#replacements = 0
    this.#lastAt = now
    const base = Math.min(firstPauseMs * 2 ** Math.min(this.#replacements++, 10), longestPauseMs)
    // Instances that failed together do not come back together.
    return base * (0.8 + 0.4 * (this.#platform.random.uint32() / 2 ** 32))
  }
}

const responses: ReadonlySet<string> = new Set<UncaughtExceptionResponse>([
  'replace',
  'stop',
  'stopAll',
])
