import { errorCode } from '../protocol/error-codes.ts'
import { offsetCommit } from '../protocol/messages/08-offset-commit.ts'
import type { Coordinator } from './coordinator.ts'
import { logError } from './errors.ts'
import type { CommittedOffset, GroupIdentity } from './log-client.ts'
import { byTopic, partitionName } from './partition-map.ts'

/** Why offsets were not committed. */
export interface CommitRefusal {
  readonly errorCode: number
  readonly error: Error
}

/** One OffsetCommit; what the coordinator answered where it was not taken, undefined where it was. */
export async function commitOffsets(
  coordinator: Coordinator,
  { group, memberId, generation, instanceId }: GroupIdentity,
  offsets: readonly CommittedOffset[],
): Promise<CommitRefusal | undefined> {
  const { topics } = await coordinator.request(offsetCommit, {
    groupId: group,
    generationIdOrMemberEpoch: generation,
    memberId,
    groupInstanceId: instanceId,
    retentionTimeMs: -1,
    topics: topicsOf(offsets),
  })
  return refusalIn(topics, coordinator, group)
}

/** As OffsetCommit and TxnOffsetCommit have them. */
export function topicsOf(offsets: readonly CommittedOffset[]): {
  name: string
  partitions: {
    partitionIndex: number
    committedOffset: number
    committedLeaderEpoch: number
    committedMetadata: string
  }[]
}[] {
  return [...byTopic(offsets)].map(([name, entries]) => ({
    name,
    partitions: entries.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }))
}

/** The first offset that either answer says was not taken; the coordinator heeds why. */
export function refusalIn(
  topics: readonly {
    name: string
    partitions: readonly { partitionIndex: number; errorCode: number }[]
  }[],
  coordinator: Coordinator,
  group: string,
): CommitRefusal | undefined {
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, errorCode: code } of partitions) {
      if (code === errorCode.NONE) continue
      coordinator.heed(code)
      const partition = partitionName({ topic: name, partition: partitionIndex })
      const failure = `Offset of ${partition} could not be committed for '${group}'`
      return { errorCode: code, error: logError(code, failure) }
    }
  }
  return undefined
}
