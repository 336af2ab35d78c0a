/**
 * ListOffsets: an offset of each of several partitions, by time or by position.
 *
 * Versions: 1-10.
 *
 * Behaviour: -1 is the high watermark, with read_committed the last stable offset, beyond which no timestamp is looked
 * up either; -2 and -4 the log start, -3 the record with the largest timestamp, -5 (end of what
 * is tiered) always -1; any other timestamp gives the first record at or after it, or -1.
 *
 * Differs from Apache Kafka: the leader epoch of the answer is told for the end only. `timeoutMs` is not needed: nothing
 * is fetched from elsewhere.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { listOffsets } from '../../protocol/messages/02-list-offsets.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { TimestampedOffset } from '../log/timestamp-lookup.ts'
import { answerTo } from '../request-refused.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { leaderEpochProblem } from './leader-epoch.ts'

const READ_COMMITTED = 1
const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5

export const listOffsetsHandler: ApiHandler = apiHandler(
  listOffsets,
  { min: 1, max: 10 },
  (broker, request, context) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
        const { topic } = needed.listOffsets
        if (!broker.authorizer.authorize(context, topic, name)) {
          return { partitionIndex, errorCode: topic.refusal }
        }
        const log = broker.topics.partition(name, partitionIndex)
        if (log === undefined) {
          return { partitionIndex, errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION }
        }
        const epochProblem = leaderEpochProblem(currentLeaderEpoch, broker.leaderEpoch)
        if (epochProblem !== errorCode.NONE) return { partitionIndex, errorCode: epochProblem }
        try {
          const end =
            request.isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.highWatermark
          const found = find(log, timestamp, end)
          const leaderEpoch = timestamp === LATEST ? broker.leaderEpoch : -1
          return { partitionIndex, errorCode: errorCode.NONE, leaderEpoch, ...found }
        } catch (error) {
          return { partitionIndex, errorCode: answerTo(error, broker.logger).errorCode }
        }
      }),
    })),
  }),
)

/** `end`: what the reader may see ends there. */
function find(
  log: PartitionLog,
  timestamp: number,
  end: number,
): { offset: number; timestamp?: number } {
  const visible = (found: TimestampedOffset | null): { offset: number; timestamp?: number } =>
    found !== null && found.offset < end ? found : { offset: -1 }
  switch (timestamp) {
    case LATEST:
      return { offset: end }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.startOffset }
    case LATEST_TIERED:
      return { offset: -1 }
    case MAX_TIMESTAMP:
      return visible(log.offsetOfMaxTimestamp())
    default:
      return visible(log.offsetForTimestamp(timestamp))
  }
}
