import type { Logger } from '../../logger.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { consumerOffsetsTopic } from '../../protocol/internal-topics.ts'
import { answerTo } from '../request-refused.ts'
import type { Topics } from '../topics.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import type { EndType } from './transaction.ts'
import type { ProducerInstance } from './transaction-state.ts'

/** How one partition learns that a producer's transaction has ended, and how. */
export interface Marker extends ProducerInstance {
  readonly type: EndType
  /** Of the coordinator that decided it; an older one than the partition has heard of is refused. */
  readonly coordinatorEpoch: number
}

export interface MarkerWriter {
  /**
   * Writes the marker into a partition, where it may be already: another one does no harm. Resolves with NONE when it is
   * durable, and with the error code of why it is not.
   */
  write(topic: string, partition: number, marker: Marker): Promise<number>
}

export function markerWriter(options: {
  readonly topics: Topics
  readonly groups: Pick<GroupCoordinator, 'completeTransaction'>
  readonly leaderEpoch: number
  readonly logger: Logger
}): MarkerWriter {
  const { topics, groups, leaderEpoch, logger } = options
  return {
    async write(topic, partition, marker) {
      const log = topics.partition(topic, partition)
      if (log === undefined) return errorCode.UNKNOWN_TOPIC_OR_PARTITION
      try {
        const { lastOffset } = log.appendMarker(marker, { leaderEpoch })
        if (topic === consumerOffsetsTopic) {
          groups.completeTransaction(partition, marker.producerId, marker.type)
        }
        await log.durable(lastOffset + 1)
        return errorCode.NONE
      } catch (error) {
        return answerTo(error, logger).errorCode
      }
    },
  }
}
