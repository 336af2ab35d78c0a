import {
  type ConsumerOptions,
  type LogClient,
  type LogConsumer,
  OffsetOutOfRange,
  type PartitionOffset,
  type TopicPartition,
} from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { TaskState } from '../state/task-state.ts'
import { type Changelog, changelogsOf } from './changelogs.ts'
import { emptyFetch } from './empty-fetch.ts'
import type { PlannedTask } from './partition-plan.ts'
import type { RestoreListener } from './restore-listener.ts'

const pollMs = 500

/** What restoring needs of a log. */
export interface RestoreLog extends Pick<LogClient, 'listOffsets'> {
  consumer(options?: ConsumerOptions): Pick<LogConsumer, 'assign' | 'poll' | 'close'>
}

/**
 * Brings the stores of a task from their checkpoints to the ends of their changelogs, as these are when it begins: no
 * other instance writes to them any more. A store whose source topic stands for a changelog is brought to where the task
 * goes on in it: what comes after that is still to be processed. Batches are applied with a wait between them, so tasks that run already are
 * served in between. Afterwards every changelog has a checkpoint, an empty one too: only so can a commit tell whether
 * somebody else has written to it. Kafka Streams' `StoreChangelogReader`.
 *
 * Throws TASK_CORRUPTED when a changelog does not hold (any more) what a store lacks of it. Stops early, without an error,
 * when `signal` is aborted: the stores are then as far as their checkpoints say.
 */
export async function restoreTask(options: {
  client: RestoreLog
  task: PlannedTask
  state: TaskState
  /** Where the task goes on in its inputs. */
  positions: readonly PartitionOffset[]
  signal: AbortSignal
  listener: RestoreListener
  onRestored: (records: number) => void
}): Promise<void> {
  const { client, task, state, positions, signal, listener, onRestored } = options
  const changelogs = changelogsOf(task).map(changelog => ({
    ...changelog,
    // What comes after that in a source is still to be processed.
    until: changelog.isSource ? offsetIn(positions, changelog.topic) : undefined,
  }))
  const open = await missingRecords(client, state, changelogs)
  if (open.size === 0) return
  for (const { partition, store, position, end } of open.values()) {
    listener.onRestoreStart?.(partition, store, position.offset, end)
  }
  // What transactions wrote that were taken back is in the changelog, but not in the table. One that is still open holds the
  // reader up before the end: whether it counts must be known first.
  const consumer = client.consumer({ isolation: 'readCommitted' })
  try {
    while (open.size > 0 && !signal.aborted) {
      consumer.assign([...open.values()].map(({ position }) => position))
      for (const fetched of await consumer.poll(pollMs)) {
        const gap = open.get(fetched.topic)
        if (gap === undefined) continue
        const records = await state.restore(gap.store, fetched, gap.end)
        const { partition, store, end } = gap
        gap.records += records
        onRestored(records)
        listener.onBatchRestored?.(partition, store, Math.min(fetched.nextOffset, end), records)
        if (fetched.nextOffset < end) continue
        open.delete(fetched.topic)
        listener.onRestoreEnd?.(partition, store, gap.records)
      }
    }
  } catch (error) {
    if (!(error instanceof OffsetOutOfRange)) throw error
    throw notInChangelog(state, error, error.logStartOffset, error.logEndOffset)
  } finally {
    for (const { partition, store, records } of open.values()) {
      listener.onRestoreSuspended?.(partition, store, records)
    }
    await consumer.close()
  }
}

interface Gap {
  readonly store: string
  readonly partition: TopicPartition
  readonly position: PartitionOffset
  readonly end: number
  /** Restored so far. */
  records: number
}

/** By topic: what is in the changelogs and not in the stores. */
async function missingRecords(
  client: RestoreLog,
  state: TaskState,
  changelogs: readonly (Changelog & {
    /** Where to stop before the end. */
    readonly until: number | undefined
  })[],
): Promise<Map<string, Gap>> {
  const gaps = new Map<string, Gap>()
  if (changelogs.length === 0) return gaps
  const [first, last] = await Promise.all([
    client.listOffsets(changelogs, 'earliest'),
    client.listOffsets(changelogs, 'latest'),
  ])
  for (const { store, topic, partition, until } of changelogs) {
    const start = offsetIn(first, topic)
    const end = until ?? offsetIn(last, topic)
    const checkpoint = state.checkpoint({ topic, partition })
    const position = { topic, partition, offset: checkpoint ?? start }
    if (position.offset < start || position.offset > end) {
      throw notInChangelog(state, position, start, end)
    }
    if (position.offset < end)
      gaps.set(topic, { store, partition: { topic, partition }, position, end, records: 0 })
    else if (checkpoint === undefined) await state.restore(store, emptyFetch(position, end), end)
  }
  return gaps
}

function notInChangelog(
  state: TaskState,
  { topic, partition, offset }: PartitionOffset,
  start: number,
  end: number,
): MillraceError {
  return new MillraceError(
    'TASK_CORRUPTED',
    `Task ${state.taskId} has applied its changelog ${topic}-${partition} up to offset ${offset}, but that begins at ` +
      `${start} and ends at ${end}: the topic was recreated or has lost records. The store is restored from what it holds.`,
  )
}

function offsetIn(offsets: readonly PartitionOffset[], topic: string): number {
  return offsets.find(offset => offset.topic === topic)?.offset ?? 0
}
