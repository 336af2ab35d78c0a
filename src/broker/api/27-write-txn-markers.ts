/**
 * WriteTxnMarkers: ends transactions in single partitions. Brokers send it to each other, tools send it for a transaction
 * that nobody ends (KIP-664).
 *
 * Versions: 1.
 *
 * Behaviour: durable when answered. Of a partition of `__consumer_offsets` the offsets of the transaction count from then
 * on, or are gone.
 *
 * Differs from Apache Kafka: a marker for a transaction that the coordinator here has open in that partition is refused
 * with INVALID_TXN_STATE, because it would end in one partition and go on in the others. It can be aborted by starting a
 * producer with its transactional id. A coordinator epoch above this broker's is refused with
 * TRANSACTION_COORDINATOR_FENCED: it would shut out the real one.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { writeTxnMarkers } from '../../protocol/messages/27-write-txn-markers.ts'
import type { Infer } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type Marker = Infer<typeof writeTxnMarkers.request>['markers'][number]

export const writeTxnMarkersHandler: ApiHandler = apiHandler(
  writeTxnMarkers,
  { min: 1, max: 1 },
  async (broker, request, context) => {
    const { alter, cluster } = needed.writeTxnMarkers
    const mayWrite =
      broker.authorizer.authorize(context, alter, clusterName) ||
      broker.authorizer.authorize(context, cluster, clusterName)
    return {
      markers: await Promise.all(
        request.markers.map(async marker => ({
          producerId: marker.producerId,
          topics: await Promise.all(
            marker.topics.map(async ({ name, partitionIndexes }) => ({
              name,
              partitions: await Promise.all(
                partitionIndexes.map(async partitionIndex => ({
                  partitionIndex,
                  errorCode: mayWrite
                    ? await write(broker, marker, name, partitionIndex)
                    : cluster.refusal,
                })),
              ),
            })),
          ),
        })),
      ),
    }
  },
)

async function write(
  broker: Broker,
  marker: Marker,
  topic: string,
  partition: number,
): Promise<number> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult } = marker
  if (coordinatorEpoch > broker.leaderEpoch) return errorCode.TRANSACTION_COORDINATOR_FENCED
  if (broker.transactions.holds(producerId, topic, partition)) return errorCode.INVALID_TXN_STATE
  const type = transactionResult ? 'commit' : 'abort'
  return broker.markers.write(topic, partition, {
    producerId,
    producerEpoch,
    type,
    coordinatorEpoch,
  })
}
