import { errorCode } from '../protocol/error-codes.ts'
import { offsetFetch } from '../protocol/messages/09-offset-fetch.ts'
import type { ClientCore } from './client-core.ts'
import { retryingCall } from './client-core.ts'
import { logError } from './errors.ts'
import { Coordinator } from './coordinator.ts'
import type { CommittedOffset, TopicPartition } from './log-client.ts'
import { byTopic } from './partition-map.ts'

/** What the group has committed. Waits out transactions that are about to commit for it (KIP-447). */
export function committedOffsets(
  core: ClientCore,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<CommittedOffset[]> {
  const coordinator = new Coordinator('group', group, core.cluster, core.connections)
  const topics = [...byTopic(partitions)].map(([name, entries]) => ({
    name,
    partitionIndexes: entries.map(entry => entry.partition),
  }))
  const failure = `The offsets of group '${group}' could not be read`
  return retryingCall(core, 'reading committed offsets', async () => {
    const response = await coordinator.request(offsetFetch, {
      groupId: group,
      topics,
      groups: [{ groupId: group, memberId: null, memberEpoch: -1, topics }],
      requireStable: true,
    })
    const answer = response.groups[0] ?? response
    coordinator.heed(answer.errorCode)
    if (answer.errorCode !== errorCode.NONE) throw logError(answer.errorCode, failure)
    const committed: CommittedOffset[] = []
    for (const { name, partitions: results } of answer.topics) {
      for (const result of results) {
        if (result.errorCode !== errorCode.NONE) {
          coordinator.heed(result.errorCode)
          throw logError(result.errorCode, failure)
        }
        if (result.committedOffset < 0) continue
        committed.push({
          topic: name,
          partition: result.partitionIndex,
          offset: result.committedOffset,
          metadata: result.metadata ?? '',
        })
      }
    }
    return committed
  })
}
