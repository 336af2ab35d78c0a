import type { LogClient, PartitionOffset } from '../../client/log-client.ts'
import type { TaskState } from '../../state/task-state.ts'
import { changelogsOf } from '../changelogs.ts'
import type { PlannedTask } from '../partition-plan.ts'

/**
 * A copy of a task's stores knows of changelogs alone, not of the inputs that they reflect. But what the group has committed of
 * the inputs was in the changelogs before: a copy that has all that they held after that, reflects it.
 */
export interface CopyGoal {
  /** What the group has committed. */
  readonly inputs: readonly PartitionOffset[]
  /** Where the changelogs ended afterwards. */
  readonly ends: readonly PartitionOffset[]
}

export async function copyGoal(
  client: Pick<LogClient, 'listOffsets' | 'committedOffsets'>,
  group: string,
  task: PlannedTask,
): Promise<CopyGoal> {
  const { topics, partition } = task
  const read = topics.map(topic => ({ topic, partition }))
  const inputs = await client.committedOffsets(group, read)
  const changelogs = changelogsOf(task)
  const latest = changelogs.length === 0 ? [] : await client.listOffsets(changelogs, 'latest')
  const ends = changelogs.map(({ topic, isSource }) => {
    // Of an input that stands for a changelog a copy takes no more than what is committed.
    const offsets = isSource ? inputs : latest
    const offset = offsets.find(each => each.topic === topic)?.offset ?? 0
    return { topic, partition, offset }
  })
  return { inputs, ends }
}

/** Tells the stores what they reflect, once they have all that belongs to it. */
export function learnPosition(state: TaskState, { inputs, ends }: CopyGoal): void {
  if (ends.every(end => (state.checkpoint(end) ?? 0) >= end.offset)) state.knowPosition(inputs)
}
