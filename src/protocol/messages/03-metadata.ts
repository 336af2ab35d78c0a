import { unaskedOperations } from '../authorized-operations.ts'
import { array, bool, defineApi, int16, int32, string, struct, uuid } from '../schema.ts'

/**
 * Brokers, controller and topics of the cluster. Null topics ask for all, an empty list for none
 * (in version 0, which has no null, the empty list asks for all).
 *
 * Version 4 adds the auto-creation flag, 5 offline replicas, 7 leader epochs, 8 authorized
 * operations, 9 is flexible, 10 adds topic ids, 12 may ask by id.
 */
export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 12,
  flexibleFrom: 9,
  request: {
    topics: array(struct({ topicId: uuid.since(10), name: string.nullable(10) })).nullable(1),
    allowAutoTopicCreation: bool.since(4).default(true),
    includeClusterAuthorizedOperations: bool.between(8, 10),
    includeTopicAuthorizedOperations: bool.since(8),
  },
  response: {
    throttleTimeMs: int32.since(3).default(0),
    brokers: array(
      struct({ nodeId: int32, host: string, port: int32, rack: string.nullable().since(1) }),
    ),
    clusterId: string.nullable().since(2),
    controllerId: int32.since(1).default(-1),
    topics: array(
      struct({
        errorCode: int16,
        name: string.nullable(12),
        topicId: uuid.since(10),
        isInternal: bool.since(1),
        partitions: array(
          struct({
            errorCode: int16,
            partitionIndex: int32,
            leaderId: int32,
            leaderEpoch: int32.since(7).default(-1),
            replicaNodes: array(int32),
            isrNodes: array(int32),
            offlineReplicas: array(int32).since(5),
          }),
        ),
        topicAuthorizedOperations: int32.since(8).default(unaskedOperations),
      }),
    ),
    clusterAuthorizedOperations: int32.between(8, 10).default(unaskedOperations),
  },
})
