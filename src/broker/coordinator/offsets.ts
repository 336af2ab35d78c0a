/** What a group has committed, and who may commit. Rules of `ClassicGroup.validateOffsetCommit` and `OffsetMetadataManager`. */
import { errorCode } from '../../protocol/error-codes.ts'
import type { Group } from './group-state.ts'
import { findMember, touch } from './group-step.ts'

export interface GroupOffset {
  /** Anything, negative numbers too: some clients commit -1 for "the end". */
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall-clock milliseconds of the commit. */
  readonly commitTimestamp: number
  /** Wall-clock milliseconds at which it expires, if its committer said so; -1 for the broker's rule. */
  readonly expireTimestamp: number
  /** Where its record is in the partition of `__consumer_offsets`: of two commits the later one counts. */
  readonly recordOffset: number
}

export interface OffsetPlace {
  readonly topic: string
  readonly partition: number
}

/** Topic to partition to what was committed. */
export type OffsetTable = Map<string, Map<number, GroupOffset>>

export interface Committer {
  readonly memberId: string
  readonly instanceId: string | null
  /** Negative for a group without members, whose consumers assign partitions by hand. */
  readonly generation: number
}

/** NONE when this committer may commit now, which is a sign of life too; otherwise the error code for every partition. */
export function commitProblem(group: Group, committer: Committer, nowMs: number): number {
  const { memberId, instanceId, generation } = committer
  if (group.phase === 'Dead') return errorCode.COORDINATOR_NOT_AVAILABLE
  if (generation < 0 && group.phase === 'Empty') return errorCode.NONE
  const member = findMember(group, memberId, instanceId)
  if (typeof member === 'number') return member
  if (generation !== group.generation) return errorCode.ILLEGAL_GENERATION
  if (group.phase === 'CompletingRebalance') return errorCode.REBALANCE_IN_PROGRESS
  touch(member, nowMs)
  return errorCode.NONE
}

/**
 * As `commitProblem` for TxnOffsetCommit. With a generation, a member or an instance id the committer must be a member of the
 * current generation, which fences whoever lost its partitions to others (KIP-447); old clients send none of them and
 * are not checked. The phase of the group does not matter.
 */
export function transactionalProblem(group: Group | undefined, committer: Committer): number {
  const { memberId, instanceId, generation } = committer
  if (group === undefined) return generation < 0 ? errorCode.NONE : errorCode.ILLEGAL_GENERATION
  if (group.phase === 'Dead') return errorCode.COORDINATOR_NOT_AVAILABLE
  if (generation < 0 && group.phase === 'Empty') return errorCode.NONE
  if (generation < 0 && memberId === '' && instanceId === null) return errorCode.NONE
  const member = findMember(group, memberId, instanceId)
  if (typeof member === 'number') return member
  return generation === group.generation ? errorCode.NONE : errorCode.ILLEGAL_GENERATION
}

/** Undefined takes the offset away. */
export function setOffset(
  table: OffsetTable,
  topic: string,
  partition: number,
  offset: GroupOffset | undefined,
): void {
  const partitions = table.get(topic)
  if (offset === undefined) {
    partitions?.delete(partition)
    if (partitions?.size === 0) table.delete(topic)
  } else if (partitions === undefined) {
    table.set(topic, new Map([[partition, offset]]))
  } else {
    partitions.set(partition, offset)
  }
}

export function placesIn(table: OffsetTable): OffsetPlace[] {
  return [...table].flatMap(([topic, partitions]) =>
    [...partitions.keys()].map(partition => ({ topic, partition })),
  )
}
