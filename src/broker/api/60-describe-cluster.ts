/**
 * DescribeCluster: the brokers of the cluster.
 *
 * Versions: 0-1.
 *
 * Behaviour: one broker, which is the controller too. Endpoints of controllers (`endpointType` 2) are refused with
 * INVALID_REQUEST: there are none of their own.
 *
 * Differs from Apache Kafka: authorized operations are never computed: there is no authorizer yet.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

const BROKERS = 1

export const describeClusterHandler: ApiHandler = apiHandler(
  describeCluster,
  { min: 0, max: 1 },
  ({ clusterId, nodeId }, { endpointType }, { advertised }) => {
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
    }
  },
)
