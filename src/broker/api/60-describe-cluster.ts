/**
 * DescribeCluster: the brokers of the cluster.
 *
 * Versions: 0-1.
 *
 * Behaviour: one broker, which is the controller too. Endpoints of controllers (`endpointType` 2) are refused with
 * INVALID_REQUEST: there are none of their own.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { unaskedOperations } from '../../protocol/authorized-operations.ts'
import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { clusterOperations } from './cluster-operations.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

const BROKERS = 1

export const describeClusterHandler: ApiHandler = apiHandler(
  describeCluster,
  { min: 0, max: 1 },
  (broker, { endpointType, includeClusterAuthorizedOperations }, context) => {
    const { clusterId, nodeId } = broker
    const { advertised } = context
    if (endpointType !== BROKERS) {
      return {
        errorCode: errorCode.INVALID_REQUEST,
        errorMessage: 'There are no endpoints of controllers: ask for those of brokers.',
        endpointType,
        clusterId,
        brokers: [],
      }
    }
    return {
      errorCode: errorCode.NONE,
      clusterId,
      controllerId: nodeId,
      brokers: [{ brokerId: nodeId, host: advertised.host, port: advertised.port, rack: null }],
      clusterAuthorizedOperations: includeClusterAuthorizedOperations
        ? clusterOperations(broker, context, needed.describeCluster.cluster)
        : unaskedOperations,
    }
  },
)
