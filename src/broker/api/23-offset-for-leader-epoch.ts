/**
 * OffsetForLeaderEpoch: where a leader epoch ended, by which clients find out that the log they read was cut (KIP-320).
 *
 * Versions: 2-4.
 *
 * Behaviour: the largest known epoch at or below the asked one and the offset at which the next begins; -1, -1 for
 * one that is yet to come. Epochs in which nothing was written are known too.
 *
 * Differs from Apache Kafka: in nothing known. A leader epoch lasts for one run of the broker.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { offsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { leaderEpochProblem } from './leader-epoch.ts'

export const offsetForLeaderEpochHandler: ApiHandler = apiHandler(
  offsetForLeaderEpoch,
  { min: 2, max: 4 },
  (broker, request, context) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        const { topic: permission } = needed.offsetForLeaderEpoch
        if (!broker.authorizer.authorize(context, permission, topic)) {
          return { partition, errorCode: permission.refusal }
        }
        const log = broker.topics.partition(topic, partition)
        if (log === undefined) {
          return { partition, errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION }
        }
        const problem = leaderEpochProblem(currentLeaderEpoch, broker.leaderEpoch)
        if (problem !== errorCode.NONE) return { partition, errorCode: problem }
        const { epoch, endOffset } = log.epochEndOffset(leaderEpoch, broker.leaderEpoch)
        return { partition, errorCode: errorCode.NONE, leaderEpoch: epoch, endOffset }
      }),
    })),
  }),
)
