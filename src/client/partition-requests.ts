import { MillraceError } from '../errors.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { listOffsets as listOffsetsApi } from '../protocol/messages/02-list-offsets.ts'
import { deleteRecords as deleteRecordsApi } from '../protocol/messages/21-delete-records.ts'
import type { ClientCore } from './client-core.ts'
import { retryingCall } from './client-core.ts'
import type { Leader } from './cluster-metadata.ts'
import { logError } from './errors.ts'
import type { OffsetSpec, PartitionOffset, TopicPartition } from './log-client.ts'
import { PartitionMap, byTopic, partitionName } from './partition-map.ts'

const timestampOf = { earliest: -2, latest: -1, lastStable: -1 } as const
/** How far a reader that asks may see. */
const isolationLevel = { readUncommitted: 0, readCommitted: 1 } as const
/** How long in milliseconds a leader may take over one request. */
const leaderTimeoutMs = 15_000

export async function listOffsets(
  core: ClientCore,
  partitions: readonly TopicPartition[],
  at: OffsetSpec,
): Promise<PartitionOffset[]> {
  const timestamp = typeof at === 'number' ? at : timestampOf[at]
  const isolation = at === 'lastStable' ? 'readCommitted' : 'readUncommitted'
  const offsets = new PartitionMap<number>()
  await askLeaders(core, partitions, 'listing offsets', async (leader, led, answered) => {
    const response = await core.connections.request(leader.address, listOffsetsApi, {
      replicaId: -1,
      isolationLevel: isolationLevel[isolation],
      topics: [...byTopic(led)].map(([name, entries]) => ({
        name,
        partitions: entries.map(entry => ({
          partitionIndex: entry.partition,
          currentLeaderEpoch: core.cluster.leader(entry)?.epoch ?? -1,
          timestamp,
        })),
      })),
      timeoutMs: leaderTimeoutMs,
    })
    for (const { name, partitions: results } of response.topics) {
      for (const { partitionIndex, errorCode: code, offset } of results) {
        const entry = { topic: name, partition: partitionIndex }
        answered(entry, code, `The offsets of partition ${partitionName(entry)} could not be read`)
        offsets.set(entry, offset)
      }
    }
  })
  return partitions.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: offsets.get({ topic, partition }) ?? -1,
  }))
}

export async function deleteRecords(
  core: ClientCore,
  before: readonly PartitionOffset[],
): Promise<void> {
  await askLeaders(core, before, 'deleting records', async (leader, led, answered) => {
    const response = await core.connections.request(leader.address, deleteRecordsApi, {
      topics: [...byTopic(led)].map(([name, entries]) => ({
        name,
        partitions: entries.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
      })),
      timeoutMs: leaderTimeoutMs,
    })
    for (const { name, partitions: results } of response.topics) {
      for (const { partitionIndex, errorCode: code } of results) {
        const entry = { topic: name, partition: partitionIndex }
        answered(entry, code, `Records of partition ${partitionName(entry)} could not be deleted`)
      }
    }
  })
}

/** Notes that the leader answered for a partition; throws when the answer is an error. */
type Answered = (partition: TopicPartition, code: number, failure: string) => void

/** Asks the leader of each partition, again for those that failed, until all have answered. */
async function askLeaders<Partition extends TopicPartition>(
  core: ClientCore,
  partitions: readonly Partition[],
  task: string,
  ask: (leader: Leader, led: readonly Partition[], answered: Answered) => Promise<void>,
): Promise<void> {
  const done = new PartitionMap<true>()
  await retryingCall(core, task, async () => {
    const open = partitions.filter(partition => done.get(partition) === undefined)
    const answered: Answered = (partition, code, failure) => {
      if (code !== errorCode.NONE) throw logError(code, failure)
      done.set(partition, true)
    }
    for (const [leader, led] of await core.cluster.leaders(open)) {
      try {
        await ask(leader, led, answered)
        const missing = led.find(partition => done.get(partition) === undefined)
        if (missing !== undefined) {
          throw new MillraceError(
            'PROTOCOL_ERROR',
            `The broker left partition ${partitionName(missing)} out of its answer while ${task}.`,
          )
        }
      } catch (error) {
        core.cluster.distrust(led.map(partition => partition.topic))
        throw error
      }
    }
  })
}
