/**
 * OffsetFetch: what groups have committed.
 *
 * Versions: 1-9; several groups at once from 8.
 *
 * Behaviour: null topics (from 2) ask for everything. A partition without a commit, and a group that nobody knows, answer
 * offset -1 without an error. With `requireStable` (from 7) a partition whose newest commit belongs to a transaction that
 * has not ended answers UNSTABLE_OFFSET_COMMIT, which the client tries again.
 *
 * Differs from Apache Kafka: below version 7, where a client cannot ask for that, the answer waits for such transactions,
 * at most three seconds: without it, a member that takes over a partition would do the work of the last transaction
 * again. Member id and epoch of version 9 belong to the KIP-848 groups and are not looked at.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { offsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import type { InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import type { Group } from '../coordinator/group-state.ts'
import type { GroupOffset } from '../coordinator/offsets.ts'
import { isPending } from '../coordinator/pending-offsets.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { eachOnce } from './each-once.ts'

type GroupAnswer = NonNullable<InferInput<typeof offsetFetch.response>['groups']>[number]
type TopicAnswer = GroupAnswer['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]
type Wanted = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[]

export const offsetFetchHandler: ApiHandler = apiHandler(
  offsetFetch,
  { min: 1, max: 9 },
  async (broker, request, context) => {
    const { version, ended } = context
    const { requireStable } = request
    if (version >= 8) {
      const asked = eachOnce(request.groups, group =>
        group.topics === null ? group.groupId : group,
      )
      const groups = asked.map(({ groupId, topics: wanted }) =>
        find(broker, { groupId, wanted, requireStable }, context),
      )
      return { groups: await Promise.all(groups) }
    }
    const { groupId, topics: wanted } = request
    const { group } = needed.offsetFetch
    if (version < 7 && broker.authorizer.authorize(context, group, groupId)) {
      const isStable = (group: Group): boolean => !isUnstable(group, wanted)
      await broker.groups.untilStable(groupId, { isStable, timeoutMs: STABLE_WAIT_MS, ended })
    }
    const { errorCode: code, topics } = await find(
      broker,
      { groupId, wanted, requireStable },
      context,
    )
    return { errorCode: code, topics }
  },
)

interface Query {
  readonly groupId: string
  readonly wanted: Wanted | null
  readonly requireStable: boolean
}

/** Less than a session, because the client's heartbeats may wait behind this request. */
const STABLE_WAIT_MS = 3000

async function find(
  { authorizer, groups }: Broker,
  query: Query,
  context: RequestContext,
): Promise<GroupAnswer> {
  const { groupId, wanted } = query
  const { group: groupPermission, topic } = needed.offsetFetch
  const mayDescribe = (name: string): boolean => authorizer.authorize(context, topic, name)
  const found = authorizer.authorize(context, groupPermission, groupId)
    ? await groups.read(groupId, group => topicsOf(group, query, mayDescribe))
    : groupPermission.refusal
  if (typeof found !== 'number') return { groupId, errorCode: errorCode.NONE, topics: found }
  const topics = (wanted ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partition => answer(partition, undefined, found)),
  }))
  return { groupId, errorCode: found, topics }
}

function topicsOf(
  group: Group | undefined,
  { wanted, requireStable }: Query,
  mayDescribe: (topic: string) => boolean,
): TopicAnswer[] {
  const asked =
    wanted ?? [...(group?.offsets ?? [])].map(everythingOf).filter(({ name }) => mayDescribe(name))
  return asked.map(({ name, partitionIndexes }) => {
    if (!mayDescribe(name)) {
      const code = needed.offsetFetch.topic.refusal
      return {
        name,
        partitions: partitionIndexes.map(partition => answer(partition, undefined, code)),
      }
    }
    const offsets = group?.offsets.get(name)
    return {
      name,
      partitions: partitionIndexes.map(partition =>
        requireStable && group !== undefined && isPending(group, name, partition)
          ? answer(partition, undefined, errorCode.UNSTABLE_OFFSET_COMMIT)
          : answer(partition, offsets?.get(partition)),
      ),
    }
  })
}

function everythingOf([name, partitions]: [string, ReadonlyMap<number, unknown>]): Wanted[number] {
  return { name, partitionIndexes: [...partitions.keys()] }
}

function isUnstable(group: Group, wanted: Wanted | null): boolean {
  if (wanted === null) return group.pending.size > 0
  return wanted.some(({ name, partitionIndexes }) =>
    partitionIndexes.some(partition => isPending(group, name, partition)),
  )
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
