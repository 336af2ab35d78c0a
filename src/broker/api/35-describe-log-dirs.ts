/**
 * DescribeLogDirs: how much room partitions take, and how much there is on their volume.
 *
 * Versions: 1-4; the volume's size from 4.
 *
 * Behaviour: null topics ask for everything; partitions that do not exist are left out. The size of a partition is that of
 * its record batches, without indexes. A volume that cannot be measured answers KAFKA_STORAGE_ERROR.
 *
 * Differs from Apache Kafka: there is one folder of logs, and partitions are not moved between folders, so `offsetLag` is 0
 * and `isFutureKey` false.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts'
import type { InferInput } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { answerTo } from '../request-refused.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type FolderAnswer = InferInput<typeof describeLogDirs.response>['results'][number]
type TopicAnswer = FolderAnswer['topics'][number]

export const describeLogDirsHandler: ApiHandler = apiHandler(
  describeLogDirs,
  { min: 1, max: 4 },
  (broker, request, context) => {
    const { cluster } = needed.describeLogDirs
    return broker.authorizer.authorize(context, cluster, clusterName)
      ? { errorCode: errorCode.NONE, results: [describe(broker, request.topics)] }
      : { errorCode: cluster.refusal, results: [] }
  },
)

function describe(
  broker: Broker,
  wanted: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
): FolderAnswer {
  const { logDir } = broker
  try {
    const { totalBytes, usableBytes } = broker.platform.files.volume(logDir)
    const asked =
      wanted ??
      broker.topics.all().map(topic => ({
        topic: topic.name,
        partitions: [...topic.partitions.keys()],
      }))
    const topics = asked
      .map(({ topic, partitions }) => sizes(broker, topic, partitions))
      .filter(({ partitions }) => partitions.length > 0)
    return { errorCode: errorCode.NONE, logDir, topics, totalBytes, usableBytes }
  } catch (error) {
    return { errorCode: answerTo(error, broker.logger).errorCode, logDir, topics: [] }
  }
}

function sizes(broker: Broker, name: string, partitions: readonly number[]): TopicAnswer {
  const found: TopicAnswer['partitions'][number][] = []
  for (const partitionIndex of partitions) {
    const log = broker.topics.partition(name, partitionIndex)
    if (log === undefined) continue
    const partitionSize = log.sizeInBytes
    found.push({ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false })
  }
  return { name, partitions: found }
}
