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
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler, type RequestContext } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'

type TopicAnswer = InferInput<typeof deleteTopics.response>['responses'][number]

export const deleteTopicsHandler: ApiHandler = apiHandler(
  deleteTopics,
  { min: 1, max: 6 },
  async (broker, request, context) => {
    const wanted =
      context.version >= 6
        ? request.topics
        : request.topicNames.map(name => ({ name, topicId: zeroUuid }))
    const responses: TopicAnswer[] = []
    for (const { name, topicId } of wanted) {
      responses.push(await remove(broker, { name, topicId }, context))
    }
    return { responses }
  },
)

async function remove(
  broker: Broker,
  wanted: { readonly name: string | null; readonly topicId: string },
  context: RequestContext,
): Promise<TopicAnswer> {
  const { topicId } = wanted
  // Who may not describe a topic does not learn the name that its id stands for.
  let { name } = wanted
  try {
    const known = topicId === zeroUuid ? name : broker.topics.byId(topicId)?.name
    if (known === undefined) {
      throw new RequestRefused(errorCode.UNKNOWN_TOPIC_ID, `There is no topic with id ${topicId}.`)
    }
    const { describe, topic: deleting } = needed.deleteTopics
    if (!broker.authorizer.authorize(context, describe, known ?? '')) {
      throw new RequestRefused(describe.refusal, 'The client may not delete the topic.')
    }
    name = known
    checkAuthorized(broker, context, deleting, known ?? '')
    const topic = await broker.topics.delete(known ?? '')
    broker.groups.topicDeleted(topic.name)
    return { name: topic.name, topicId: topic.id, errorCode: errorCode.NONE }
  } catch (error) {
    return { name, topicId, ...answerTo(error, broker.logger) }
  }
}
