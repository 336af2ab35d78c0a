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
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const listPartitionReassignmentsHandler: ApiHandler = apiHandler(
  listPartitionReassignments,
  { min: 0, max: 0 },
  () => ({ errorCode: errorCode.NONE, topics: [] }),
)
