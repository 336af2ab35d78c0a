import type { PartitionOffset } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { recordCount } from '../protocol/record-batch.ts'
import type { SentBatch } from './commit-log.ts'
import type { Task } from './task.ts'

/** The offsets to which the batches of a commit bring the changelogs of a task. */
export function changelogEnds(task: Task, sent: readonly SentBatch[]): PartitionOffset[] {
  const ends = new Map<string, PartitionOffset>()
  for (const batch of sent) {
    if (!task.isChangelog(batch)) continue
    const { topic, partition } = batch
    ends.set(partitionName(batch), { topic, partition, offset: nextOffset(batch) })
  }
  return [...ends.values()]
}

/**
 * Whether somebody else wrote to a changelog since the task read it to its end, a former owner that did not know yet that it had
 * lost the task: the batches do not stand right behind what the stores have applied. The store is then not the fold of its
 * changelog, which only a restore can make it again. In transactions that count nobody else can have written, and there
 * are offsets between them that no record has.
 */
export function isOvertaken(task: Task, sent: readonly SentBatch[]): boolean {
  const applied = new Map<string, number | undefined>()
  for (const batch of sent) {
    if (!task.isChangelog(batch)) continue
    const name = partitionName(batch)
    const expected = applied.has(name) ? applied.get(name) : task.state.checkpoint(batch)
    if (batch.offset !== expected) return true
    applied.set(name, nextOffset(batch))
  }
  return false
}

const nextOffset = ({ offset, batch }: SentBatch): number => offset + recordCount(batch)
