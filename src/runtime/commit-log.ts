import { isRepeatable, LogRefusal, ProducerFenced } from '../client/errors.ts'
import type {
  CommittedOffset,
  GroupMember,
  PartitionBatch,
  PartitionOffset,
} from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import { errorCode } from '../protocol/error-codes.ts'

/** A batch that is in the log; the offset is that of its first record. */
export type SentBatch = PartitionBatch & PartitionOffset

/** For whom offsets are committed. */
export type Committer = Pick<GroupMember, 'commit' | 'identity' | 'renewed'>

/**
 * How what tasks have written gets into the log together with the offsets of what they have read: the second and third step of
 * a commit. Kafka Streams' `StreamsProducer` and `TaskExecutor`.
 */
export interface CommitLog {
  /** Whether nothing of a commit can count after the group has given the tasks to others. */
  readonly fencesZombies: boolean
  /**
   * Resolves when commits can be made; tasks must not look up where they go on before. Early, too, when `signal` is aborted.
   * Rejects when the log is in trouble: ask again.
   */
  ready(signal: AbortSignal): Promise<void>
  /**
   * Resolves when everything counts. Rejects with TASK_MIGRATED when the group has given the tasks away, and with
   * `CommitUndone` when they must go on from what was committed before; other errors stop the application.
   */
  commit(
    batches: readonly PartitionBatch[],
    offsets: readonly CommittedOffset[],
    member: Committer,
  ): Promise<readonly SentBatch[]>
  /** Writes what counts without a commit: dead letters of what stops the application. */
  write(batches: readonly PartitionBatch[]): Promise<void>
  close(): Promise<void>
}

/**
 * A commit has failed, or nobody knows whether it has, for a reason that passes: what the tasks did since the last one is
 * done again, by tasks that start anew from what is committed.
 */
export class CommitUndone extends Error {}

/** The production handler wants the application to stop, whatever is the matter; `cause` is the error. */
export class StopRequested extends Error {}

/** Whether a commit that failed can succeed when it is made anew: nobody has to change anything. */
export function isPassing(error: unknown): error is MillraceError {
  if (isRepeatable(error) || error instanceof ProducerFenced) return true
  // The coordinator has ended the transaction, such as after its timeout.
  if (error instanceof LogRefusal) return error.errorCode === errorCode.INVALID_TXN_STATE
  return error instanceof MillraceError && error.code === 'LOG_ERROR'
}

/** The group has given the tasks to others. */
export const isMigration = (error: unknown): error is MillraceError =>
  error instanceof MillraceError &&
  error.code === 'TASK_MIGRATED' &&
  !(error instanceof ProducerFenced)
