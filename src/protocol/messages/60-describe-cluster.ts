import { unaskedOperations } from '../authorized-operations.ts'
import { array, bool, defineApi, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Cluster id, controller and brokers (KIP-700). Version 1 can ask for brokers (1) or controllers
 * (2).
 */
export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request: { includeClusterAuthorizedOperations: bool, endpointType: int8.since(1).default(1) },
  response: {
    throttleTimeMs: int32.default(0),
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    endpointType: int8.since(1).default(1),
    clusterId: string,
    controllerId: int32.default(-1),
    brokers: array(struct({ brokerId: int32, host: string, port: int32, rack: string.nullable() })),
    clusterAuthorizedOperations: int32.default(unaskedOperations),
  },
})
