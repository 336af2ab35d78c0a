import type { Platform, Timer } from '../platform/platform.ts'
import type { PartitionLog } from './log/partition-log.ts'

/**
 * With `flush: 'interval'`: has all logs that there are flushed again and again. What was written just after a round waits for the
 * next. Returns what ends it. (Kafka: LogManager.flushDirtyLogs.)
 */
export function startFlushing(
  { timers }: Pick<Platform, 'timers'>,
  logs: () => readonly Pick<PartitionLog, 'requestFlush'>[],
  intervalMs: number,
): () => void {
  let timer: Timer = schedule()

  function schedule(): Timer {
    return timers.schedule(intervalMs, () => {
      for (const log of logs()) log.requestFlush()
      timer = schedule()
    })
  }

  return () => timer.cancel()
}
