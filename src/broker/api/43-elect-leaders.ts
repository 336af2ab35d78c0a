/**
 * ElectLeaders: asks for an election of the leaders of partitions.
 *
 * Versions: 0-2.
 *
 * Behaviour: every partition has this broker as its only replica, which leads it: ELECTION_NOT_NEEDED for each one named, and
 * nothing to report when all are meant (null). The kinds of elections are 0, preferred, and 1, unclean.
 *
 * Differs from Apache Kafka: `timeoutMs` is not looked at.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { electLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

const UNCLEAN = 1

export const electLeadersHandler: ApiHandler = apiHandler(
  electLeaders,
  { min: 0, max: 2 },
  (broker, { electionType, topicPartitions }, context) => {
    const { cluster } = needed.electLeaders
    if (!broker.authorizer.authorize(context, cluster, clusterName)) {
      const code = cluster.refusal
      return {
        errorCode: code,
        replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map(partitionId => ({ partitionId, errorCode: code })),
        })),
      }
    }
    if (electionType < 0 || electionType > UNCLEAN) {
      return { errorCode: errorCode.INVALID_REQUEST, replicaElectionResults: [] }
    }
    return {
      errorCode: errorCode.NONE,
      replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(partitionId =>
          broker.topics.partition(topic, partitionId) === undefined
            ? {
                partitionId,
                errorCode: errorCode.UNKNOWN_TOPIC_OR_PARTITION,
                errorMessage: `There is no partition ${partitionId} of a topic ${JSON.stringify(topic)}.`,
              }
            : {
                partitionId,
                errorCode: errorCode.ELECTION_NOT_NEEDED,
                errorMessage: 'The only replica of this partition leads it already.',
              },
        ),
      })),
    }
  },
)
