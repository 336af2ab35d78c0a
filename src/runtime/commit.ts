import type { CommittedOffset } from '../client/log-client.ts'
import type { MillraceError } from '../errors.ts'
import { changelogEnds, isOvertaken } from './changelog-ends.ts'
import type { Committer, CommitLog, SentBatch } from './commit-log.ts'
import { isCorruption } from './is-corruption.ts'
import type { RecordCollector } from './record-collector.ts'
import type { Task } from './task.ts'

export interface CommitTarget {
  /** Holds what the tasks have written since the last commit. */
  readonly collector: RecordCollector
  readonly log: Pick<CommitLog, 'fencesZombies' | 'commit'>
  readonly member: Committer
  /** Number of partitions of topics that were chosen while records were processed. Throws when there is none of a name. */
  readonly lookUpTopics: (names: readonly string[]) => Promise<ReadonlyMap<string, number>>
}

export interface Committed {
  readonly tasks: readonly Task[]
  readonly offsets: readonly CommittedOffset[]
  /** Outputs and changelog records. */
  readonly batches: readonly SentBatch[]
  /** Tasks whose stores were not written: close them and start them again, which restores what is missing. */
  readonly overtaken: readonly Task[]
  /** Tasks whose stores turned out to be damaged when they were written: wipe them and start the tasks again. */
  readonly damaged: readonly DamagedTask[]
}

export interface DamagedTask {
  readonly task: Task
  readonly error: MillraceError
}

/**
 * One commit for all tasks of the worker that need it, in four steps whose order is the promise:
 *
 * 1. each task ends its transaction: outputs, changes of the stores and input offsets belong together from here on;
 * 2. outputs and changelog records are in the log, acknowledged;
 * 3. the input offsets are committed under the group's generation;
 * 4. the stores write their changes, together with the changelog offset they are brought to.
 *
 * With exactly-once, 2 and 3 are one transaction: they count together. A crash before its end leaves nothing that counts,
 * and the stores as of the last commit. A crash between 3 and 4 leaves the stores one commit behind; the restart replays just
 * that from the changelog. At-least-once is the same order without the transaction, so a crash between 2 and 3 repeats
 * the input on stores that restore the changelog of 2 first: counted at least once.
 *
 * Throws TASK_MIGRATED when the group has moved on: the tasks must be dropped then. Throws `CommitUndone` when they have to start
 * anew from what was committed before, and `DamagedBeforeCommit` when they have to do so without the stores of one of them.
 */
export async function commit(
  tasks: readonly Task[],
  { collector, log, member, lookUpTopics }: CommitTarget,
): Promise<Committed> {
  const offsets = tasks.flatMap(prepare)
  const { unknownTopics } = collector
  if (unknownTopics.length > 0) collector.know(await lookUpTopics(unknownTopics))
  const batches = await log.commit(collector.drain(), offsets, member)
  const overtaken: Task[] = []
  const damaged: DamagedTask[] = []
  const writeStores = async (task: Task): Promise<void> => {
    if (!log.fencesZombies && isOvertaken(task, batches)) {
      overtaken.push(task)
      return
    }
    const ends = changelogEnds(task, batches)
    try {
      await task.completeCommit(ends)
    } catch (error) {
      if (!isCorruption(error)) throw error
      damaged.push({ task, error })
    }
  }
  await allEnd(tasks.map(writeStores))
  return { tasks, offsets, batches, overtaken, damaged }
}

/** A store turned out to be damaged before anything was in the log: what all tasks did since the last commit is done again. */
export class DamagedBeforeCommit extends Error implements DamagedTask {
  readonly task: Task
  readonly error: MillraceError

  constructor(task: Task, error: MillraceError) {
    super(error.message, { cause: error })
    this.task = task
    this.error = error
  }
}

/** Updates that waited in a cache are handed on here, to operators that read their stores. */
function prepare(task: Task): CommittedOffset[] {
  try {
    return task.prepareCommit()
  } catch (error) {
    throw isCorruption(error) ? new DamagedBeforeCommit(task, error) : error
  }
}

/** Resolves when all have ended, so that nothing is under way when the tasks are closed; rejects with the first error. */
async function allEnd(writes: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(writes)
  await Promise.all(writes)
}
