import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Platform, Timer } from '../platform/platform.ts'
import type { Counters } from './metrics/counters.ts'
import type { Topics } from './topics.ts'

export interface RetentionOptions {
  readonly platform: Platform
  readonly topics: Topics
  readonly logger: Logger
  readonly intervalMs: number
  readonly counters: Pick<Counters, 'upkeep'>
}

/**
 * Lets every partition delete what is too old or too much, and compact what has been overwritten, now and then, one
 * partition after another. Returns what ends it and resolves when it is not at work any more.
 */
export function startRetention(options: RetentionOptions): () => Promise<void> {
  const { platform, topics, logger, intervalMs } = options
  const { upkeep } = options.counters
  let stopped = false
  let round: Promise<void> = Promise.resolve()
  let timer: Timer = schedule()

  function schedule(): Timer {
    return platform.timers.schedule(intervalMs, () => {
      round = applyToAll()
    })
  }

  async function pause(): Promise<void> {
    await platform.timers.yield()
    if (stopped) throw new MillraceError('CLOSED', 'The broker stops.')
  }

  async function applyToAll(): Promise<void> {
    const started = platform.clock.monotonic()
    for (const topic of topics.all()) {
      for (const log of topic.partitions) {
        if (stopped) return
        try {
          await topics.freeing(() => log.applyRetention(platform.clock.now()))
        } catch (error) {
          upkeep.failures += 1
          // The next round tries again; until then the log is only longer than it should be.
          logger.warn({ topic: topic.name, error }, 'Old records could not be deleted.')
        }
        try {
          await log.compact({ now: platform.clock.now(), pause })
        } catch (error) {
          if (stopped) return
          upkeep.failures += 1
          logger.warn({ topic: topic.name, error }, 'The log could not be compacted.')
        }
      }
    }
    upkeep.durationMs += platform.clock.monotonic() - started
    if (!stopped) timer = schedule()
  }

  return async () => {
    stopped = true
    timer.cancel()
    await round
  }
}
