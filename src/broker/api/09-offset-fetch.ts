/**
 * OffsetFetch: what groups have committed.
 *
 * Versions: 1-9; several groups at once from 8.
 *
 * Behaviour: null topics (from 2) ask for everything. A partition without a commit, and a group that nobody knows, answer
 * offset -1 without an error.
 *
 * Differs from Apache Kafka: `requireStable` has nothing to wait for, because there are no transactions yet. Member id and
 * epoch of version 9 belong to the KIP-848 groups and are not looked at.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { offsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import type { InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import type { GroupOffset, OffsetTable } from '../coordinator/offsets.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type GroupAnswer = NonNullable<InferInput<typeof offsetFetch.response>['groups']>[number]
type TopicAnswer = GroupAnswer['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]
type Wanted = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[]

export const offsetFetchHandler: ApiHandler = apiHandler(
  offsetFetch,
  { min: 1, max: 9 },
  async (broker, request, { version }) => {
    if (version >= 8) {
      const groups = request.groups.map(({ groupId, topics }) => find(broker, groupId, topics))
      return { groups: await Promise.all(groups) }
    }
    const { errorCode: code, topics } = await find(broker, request.groupId, request.topics)
    return { errorCode: code, topics }
  },
)

async function find(broker: Broker, groupId: string, wanted: Wanted | null): Promise<GroupAnswer> {
  const found = await broker.groups.read(groupId, group =>
    topicsOf(group?.offsets ?? new Map(), wanted),
  )
  if (typeof found !== 'number') return { groupId, errorCode: errorCode.NONE, topics: found }
  const topics = (wanted ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partition => answer(partition, undefined, found)),
  }))
  return { groupId, errorCode: found, topics }
}

function topicsOf(offsets: OffsetTable, wanted: Wanted | null): TopicAnswer[] {
  if (wanted === null) {
    return [...offsets].map(([name, partitions]) => ({
      name,
      partitions: [...partitions].map(([partition, offset]) => answer(partition, offset)),
    }))
  }
  return wanted.map(({ name, partitionIndexes }) => {
    const partitions = offsets.get(name)
    return {
      name,
      partitions: partitionIndexes.map(partition => answer(partition, partitions?.get(partition))),
    }
  })
}

function answer(
  partitionIndex: number,
  offset: GroupOffset | undefined,
  code: number = errorCode.NONE,
): PartitionAnswer {
  return {
    partitionIndex,
    committedOffset: offset?.offset ?? -1,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? '',
    errorCode: code,
  }
}
