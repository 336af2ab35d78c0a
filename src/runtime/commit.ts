import type {
  CommittedOffset,
  GroupMember,
  LogProducer,
  PartitionBatch,
  PartitionOffset,
} from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import type { RecordCollector } from './record-collector.ts'
import type { Task } from './task.ts'

export interface CommitTarget {
  /** Holds what the tasks have written since the last commit. */
  readonly collector: RecordCollector
  readonly producer: LogProducer
  readonly member: GroupMember
}

export interface Committed {
  readonly tasks: readonly Task[]
  readonly offsets: readonly CommittedOffset[]
  /** Outputs and changelog records. */
  readonly batches: readonly PartitionBatch[]
  /** Tasks whose stores were not written: close them and start them again, which restores what is missing. */
  readonly overtaken: readonly Task[]
}

/**
 * One commit for all tasks of the worker that need it, in four steps whose order is the promise:
 *
 * 1. each task ends its transaction: outputs, changes of the stores and input offsets belong together from here on;
 * 2. outputs and changelog records are in the log, acknowledged;
 * 3. the input offsets are committed under the group's generation;
 * 4. the stores write their changes, together with the changelog offset they are brought to.
 *
 * A crash before 2 loses nothing that counts: the offsets are the old ones and the stores are as of the last commit. A
 * crash between 2 and 3 repeats the input on stores that restore the changelog of 2 first: counted at least once. A crash
 * between 3 and 4 leaves the stores one commit behind; the restart replays just that from the changelog. Exactly-once
 * is the same order with 2 and 3 in one transaction.
 *
 * Throws TASK_MIGRATED when the group has moved on: the tasks must be dropped then.
 */
export async function commit(
  tasks: readonly Task[],
  { collector, producer, member }: CommitTarget,
): Promise<Committed> {
  const offsets = tasks.flatMap(task => task.prepareCommit())
  const batches = collector.drain()
  const sent = batches.length > 0 ? await producer.send(batches) : []
  collector.acknowledge(batches, sent)
  if (offsets.length > 0) await member.commit(offsets)
  const overtaken = tasks.filter(task => wasOvertaken(task, sent))
  const writable = tasks.filter(task => !overtaken.includes(task))
  await Promise.all(writable.map(async task => task.completeCommit()))
  return { tasks, offsets, batches, overtaken }
}

/**
 * Whether somebody else wrote to a changelog of the task since it read it to the end: a former owner that did not know yet
 * that it had lost the task. The store is then not the fold of its changelog, which only a restore can make it again.
 */
function wasOvertaken(task: Task, sent: readonly PartitionOffset[]): boolean {
  const seen = new Set<string>()
  return sent.some(position => {
    const checkpoint = task.state.checkpoint(position)
    const first = !seen.has(partitionName(position))
    seen.add(partitionName(position))
    return first && checkpoint !== undefined && checkpoint !== position.offset
  })
}
