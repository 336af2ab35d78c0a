import { partitionName } from '../client/partition-map.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../platform/platform.ts'
import type { RestoreListener } from './restore-listener.ts'

/** How often the log tells how far a store is. */
const everyMs = 10_000

interface Progress {
  readonly end: number
  toldAt: number
}

/** Tells the log how stores are restored, and the listener: what an operator wants to see of a start that takes long. */
export function loggedRestore(
  listener: RestoreListener,
  { logger, clock }: { logger: Logger; clock: Pick<Clock, 'monotonic'> },
): RestoreListener {
  const open = new Map<string, Progress>()
  return {
    onRestoreStart(partition, store, start, end) {
      const changelog = partitionName(partition)
      open.set(changelog, { end, toldAt: clock.monotonic() })
      logger.info({ store, changelog, start, end }, `${store} is restored: ${end - start} records`)
      listener.onRestoreStart?.(partition, store, start, end)
    },
    onBatchRestored(partition, store, nextOffset, records) {
      const changelog = partitionName(partition)
      const progress = open.get(changelog)
      const now = clock.monotonic()
      if (progress !== undefined && now - progress.toldAt >= everyMs) {
        progress.toldAt = now
        const { end } = progress
        logger.info({ store, changelog, nextOffset, end }, `${store} is at ${nextOffset} of ${end}`)
      }
      listener.onBatchRestored?.(partition, store, nextOffset, records)
    },
    onRestoreEnd(partition, store, total) {
      const changelog = partitionName(partition)
      open.delete(changelog)
      logger.info({ store, changelog, records: total }, `${store} is restored`)
      listener.onRestoreEnd?.(partition, store, total)
    },
    onRestoreSuspended(partition, store, total) {
      const changelog = partitionName(partition)
      open.delete(changelog)
      logger.info({ store, changelog, records: total }, `${store} has moved before it was restored`)
      listener.onRestoreSuspended?.(partition, store, total)
    },
  }
}
