/**
 * DeleteTopics: takes topics away with their records, and with the offsets that groups committed for them.
 *
 * Versions: 1-6; by topic id from 6.
 *
 * Behaviour: done and durable when answered. A topic made again under the same name is another topic.
 *
 * Differs from Apache Kafka: the files are removed at once and not after `file.delete.delay.ms`. The broker's own topics
 * are refused with INVALID_REQUEST. `timeoutMs` is not looked at.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { deleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { type InferInput, zeroUuid } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type TopicAnswer = InferInput<typeof deleteTopics.response>['responses'][number]

export const deleteTopicsHandler: ApiHandler = apiHandler(
  deleteTopics,
  { min: 1, max: 6 },
  async (broker, request, { version }) => {
    const wanted =
      version >= 6 ? request.topics : request.topicNames.map(name => ({ name, topicId: zeroUuid }))
    const responses: TopicAnswer[] = []
    for (const { name, topicId } of wanted) {
      responses.push(await remove(broker, name, topicId))
    }
    return { responses }
  },
)

async function remove(broker: Broker, name: string | null, topicId: string): Promise<TopicAnswer> {
  try {
    const known = topicId === zeroUuid ? name : broker.topics.byId(topicId)?.name
    if (known === undefined) {
      throw new RequestRefused(errorCode.UNKNOWN_TOPIC_ID, `There is no topic with id ${topicId}.`)
    }
    const topic = await broker.topics.delete(known ?? '')
    broker.groups.topicDeleted(topic.name)
    return { name: topic.name, topicId: topic.id, errorCode: errorCode.NONE }
  } catch (error) {
    return { name, topicId, ...answerTo(error, broker.logger) }
  }
}
