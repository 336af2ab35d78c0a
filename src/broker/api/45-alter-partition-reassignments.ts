/**
 * AlterPartitionReassignments: moves partitions to other brokers (KIP-455).
 *
 * Versions: 0.
 *
 * Behaviour: this broker is the only one. To place a partition on it is done already; any other place is
 * INVALID_REPLICA_ASSIGNMENT, and there is never a move to cancel (null replicas: NO_REASSIGNMENT_IN_PROGRESS).
 *
 * Differs from Apache Kafka: `timeoutMs` is not looked at.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { alterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const alterPartitionReassignmentsHandler: ApiHandler = apiHandler(
  alterPartitionReassignments,
  { min: 0, max: 0 },
  (broker, { topics }, context) => {
    const { cluster } = needed.alterPartitionReassignments
    if (!broker.authorizer.authorize(context, cluster, clusterName)) {
      return { errorCode: cluster.refusal, responses: [] }
    }
    return {
      errorCode: errorCode.NONE,
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => {
          try {
            check(broker, { name, partitionIndex, replicas })
            return { partitionIndex, errorCode: errorCode.NONE }
          } catch (error) {
            return { partitionIndex, ...answerTo(error, broker.logger) }
          }
        }),
      })),
    }
  },
)

function check(
  broker: Broker,
  wanted: {
    readonly name: string
    readonly partitionIndex: number
    readonly replicas: readonly number[] | null
  },
): void {
  const { name, partitionIndex, replicas } = wanted
  if (broker.topics.partition(name, partitionIndex) === undefined) {
    throw new RequestRefused(
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `There is no partition ${partitionIndex} of a topic ${JSON.stringify(name)}.`,
    )
  }
  if (replicas === null) {
    throw new RequestRefused(
      errorCode.NO_REASSIGNMENT_IN_PROGRESS,
      `Partition ${partitionIndex} of ${name} is not being moved.`,
    )
  }
  if (replicas.length !== 1 || replicas[0] !== broker.nodeId) {
    throw new RequestRefused(
      errorCode.INVALID_REPLICA_ASSIGNMENT,
      `Partition ${partitionIndex} of ${name} can only be on broker ${broker.nodeId}, the only one.`,
    )
  }
}
