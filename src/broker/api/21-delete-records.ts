/**
 * DeleteRecords: moves the start of partitions forward; records below it are gone.
 *
 * Versions: 0-2.
 *
 * Behaviour: -1 means everything that readers can see. An offset above the high watermark is OFFSET_OUT_OF_RANGE. A topic
 * that is compacted and not deleted from is refused with POLICY_VIOLATION. Durable when answered.
 *
 * Differs from Apache Kafka: `timeoutMs` is not looked at: there are no other replicas to wait for.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { deleteRecords } from '../../protocol/messages/21-delete-records.ts'
import type { Broker } from '../broker.ts'
import { answerTo } from '../request-refused.ts'
import { isDeleting } from '../topic-configs.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const deleteRecordsHandler: ApiHandler = apiHandler(
  deleteRecords,
  { min: 0, max: 2 },
  async (broker, request, context) => ({
    topics: await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(async ({ partitionIndex, offset }) => ({
            partitionIndex,
            ...(broker.authorizer.authorize(context, needed.deleteRecords.topic, name)
              ? await moveStart(broker, name, partitionIndex, offset)
              : refused(needed.deleteRecords.topic.refusal)),
          })),
        ),
      })),
    ),
  }),
)

async function moveStart(
  broker: Broker,
  name: string,
  partition: number,
  offset: number,
): Promise<{ lowWatermark: number; errorCode: number }> {
  const topic = broker.topics.get(name)
  const log = topic?.partitions[partition]
  if (topic === undefined || log === undefined) return refused(errorCode.UNKNOWN_TOPIC_OR_PARTITION)
  if (!isDeleting(topic.configs)) return refused(errorCode.POLICY_VIOLATION)
  const before = offset === -1 ? log.highWatermark : offset
  if (before < 0 || before > log.highWatermark) return refused(errorCode.OFFSET_OUT_OF_RANGE)
  try {
    await broker.topics.freeing(() => log.deleteRecordsBefore(before))
    return { lowWatermark: log.startOffset, errorCode: errorCode.NONE }
  } catch (error) {
    return refused(answerTo(error, broker.logger).errorCode)
  }
}

function refused(code: number): { lowWatermark: number; errorCode: number } {
  return { lowWatermark: -1, errorCode: code }
}
