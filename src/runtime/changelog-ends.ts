import assert from 'node:assert/strict'

import type { PartitionBatch, PartitionOffset } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { recordCount } from '../protocol/record-batch.ts'
import type { Task } from './task.ts'

/**
 * The offsets to which a commit brings the changelogs of a task; `sent` has the offsets of the batches, in their order.
 * Undefined when they do not stand right behind what the stores have applied: somebody else wrote to a changelog since the
 * task read it to its end, a former owner that did not know yet that it had lost the task. The store is then not the fold
 * of its changelog, which only a restore can make it again.
 */
export function changelogEnds(
  task: Task,
  batches: readonly PartitionBatch[],
  sent: readonly PartitionOffset[],
): PartitionOffset[] | undefined {
  assert.equal(batches.length, sent.length)
  const ends = new Map<string, PartitionOffset>()
  for (const [i, { topic, partition, batch }] of batches.entries()) {
    if (!task.isChangelog({ topic, partition })) continue
    const first = sent[i]
    assert(first !== undefined && first.topic === topic && first.partition === partition)
    const name = partitionName(first)
    const applied = ends.get(name)?.offset ?? task.state.checkpoint(first)
    if (first.offset !== applied) return undefined
    ends.set(name, { topic, partition, offset: first.offset + recordCount(batch) })
  }
  return [...ends.values()]
}
