import type { LogClient } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { changelogsOf } from './changelogs.ts'
import { allOffsets, type MemberData, unknownOffset } from './member-data.ts'
import type { PartitionPlan } from './partition-plan.ts'

/** Ids of the tasks that have stores with changelogs, with the sum of the ends of these. */
export type ChangelogEnds = ReadonlyMap<string, number>

/**
 * Looks up how far the changelogs of all tasks go. Undefined when brokers cannot be asked now: where state is then has to do
 * without how much.
 */
export async function lookUpEnds(
  { tasks }: PartitionPlan,
  { client, logger }: { client: Pick<LogClient, 'listOffsets'>; logger: Logger },
): Promise<ChangelogEnds | undefined> {
  const changelogs = tasks.flatMap(task =>
    changelogsOf(task).map(({ topic, partition }) => ({ taskId: task.id, topic, partition })),
  )
  if (changelogs.length === 0) return new Map()
  try {
    const ends = new Map<string, number>()
    const found = await client.listOffsets(changelogs, 'latest')
    for (const [i, { taskId }] of changelogs.entries()) {
      ends.set(taskId, (ends.get(taskId) ?? 0) + (found[i]?.offset ?? 0))
    }
    return ends
  } catch (error) {
    if (!(error instanceof MillraceError) || !error.retriable) throw error
    logger.warn(
      { error },
      'The ends of changelogs are not known: tasks go to who has any of their state',
    )
    return undefined
  }
}

/** What a member would have to restore of each task of which it has state. */
export function lagsOf(
  { stored }: Pick<MemberData, 'stored'>,
  ends: ChangelogEnds | undefined,
): Map<string, number> {
  const lags = new Map<string, number>()
  for (const [id, sum] of Object.entries(stored)) {
    if (sum === unknownOffset) continue
    if (sum === allOffsets || ends === undefined) lags.set(id, 0)
    else lags.set(id, Math.max(0, (ends.get(id) ?? sum) - sum))
  }
  return lags
}
