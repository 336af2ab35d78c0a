import type { TopicPartition } from '../../client/log-client.ts'
import { partitionName } from '../../client/partition-map.ts'
import type { RestoreListener, StandbyUpdateListener } from '../restore-listener.ts'
import { RecentStat } from './recent-stat.ts'

/**
 * What is measured of an instance while it works, over all lives of its worker: plain numbers, added to per slice and per
 * commit and never per record. What can be read off its tasks when somebody asks is not in here.
 */
export class InstanceMeasures {
  /** In milliseconds: the slices in which tasks process. */
  readonly process = new RecentStat()
  /** In milliseconds: commits, from the end of the tasks' transactions until their stores are written. */
  readonly commit = new RecentStat()
  /** In milliseconds: calls of punctuators by the wall clock. */
  readonly punctuate = new RecentStat()
  tasksCreated = 0
  tasksClosed = 0
  /** Errors that ended the life of a worker. */
  failures = 0
  /** By topic. */
  readonly produced = new Map<string, Produced>()
  /** Stores that are being restored, by the name of their partition of a changelog. */
  readonly restoring = new Map<string, Behind>()
  /** Standbys, in the same way. */
  readonly standbys = new Map<string, Behind>()

  sent(topic: string, records: number, bytes: number): void {
    const produced = this.produced.get(topic)
    if (produced === undefined) this.produced.set(topic, { records, bytes })
    else {
      produced.records += records
      produced.bytes += bytes
    }
  }
}

export interface Produced {
  records: number
  bytes: number
}

/** How far a store is behind its changelog. */
export interface Behind extends TopicPartition {
  readonly store: string
  readonly nextOffset: number
  readonly endOffset: number
}

/** Notes how far stores are restored, and tells the listener. */
export function measuredRestore(
  listener: RestoreListener,
  { restoring }: InstanceMeasures,
): RestoreListener {
  return {
    onRestoreStart(changelog, store, nextOffset, endOffset) {
      restoring.set(partitionName(changelog), { ...changelog, store, nextOffset, endOffset })
      listener.onRestoreStart?.(changelog, store, nextOffset, endOffset)
    },
    onBatchRestored(changelog, store, nextOffset, records) {
      const name = partitionName(changelog)
      const behind = restoring.get(name)
      if (behind !== undefined) restoring.set(name, { ...behind, nextOffset })
      listener.onBatchRestored?.(changelog, store, nextOffset, records)
    },
    onRestoreEnd(changelog, store, total) {
      restoring.delete(partitionName(changelog))
      listener.onRestoreEnd?.(changelog, store, total)
    },
    onRestoreSuspended(changelog, store, total) {
      restoring.delete(partitionName(changelog))
      listener.onRestoreSuspended?.(changelog, store, total)
    },
  }
}

/** Notes how far standbys are, and tells the listener. */
export function measuredStandbys(
  listener: StandbyUpdateListener,
  { standbys }: InstanceMeasures,
): StandbyUpdateListener {
  return {
    onUpdateStart(changelog, store, startOffset) {
      listener.onUpdateStart?.(changelog, store, startOffset)
    },
    onBatchLoaded(changelog, store, nextOffset, records, endOffset) {
      standbys.set(partitionName(changelog), { ...changelog, store, nextOffset, endOffset })
      listener.onBatchLoaded?.(changelog, store, nextOffset, records, endOffset)
    },
    onUpdateSuspended(changelog, store, nextOffset, endOffset, reason) {
      standbys.delete(partitionName(changelog))
      listener.onUpdateSuspended?.(changelog, store, nextOffset, endOffset, reason)
    },
  }
}
