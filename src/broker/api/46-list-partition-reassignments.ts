/**
 * ListPartitionReassignments: the moves of partitions that are under way (KIP-455).
 *
 * Versions: 0.
 *
 * Behaviour: there are none, because there is one broker.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { listPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const listPartitionReassignmentsHandler: ApiHandler = apiHandler(
  listPartitionReassignments,
  { min: 0, max: 0 },
  (broker, _, context) => {
    const { cluster } = needed.listPartitionReassignments
    const maySee = broker.authorizer.authorize(context, cluster, clusterName)
    return { errorCode: maySee ? errorCode.NONE : cluster.refusal, topics: [] }
  },
)
