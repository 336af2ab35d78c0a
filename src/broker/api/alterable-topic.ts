import { errorCode } from '../../protocol/error-codes.ts'
import type { Broker } from '../broker.ts'
import { RequestRefused } from '../request-refused.ts'
import type { Topic } from '../topics.ts'
import { resourceType } from './config-resource.ts'

/** The topic whose settings a request wants to change. Throws RequestRefused when there is none or it may not. */
export function alterableTopic(broker: Broker, type: number, name: string): Topic {
  if (type !== resourceType.topic) {
    throw new RequestRefused(
      errorCode.INVALID_REQUEST,
      `Only settings of topics can be changed, not those of resource type ${type}: start the broker with other settings.`,
    )
  }
  const topic = broker.topics.get(name)
  if (topic?.internal === true) {
    // Deleted from by age, the topic of committed offsets would forget them.
    throw new RequestRefused(
      errorCode.INVALID_REQUEST,
      `Settings of ${name} are the broker's own: start the broker with other settings.`,
    )
  }
  if (topic !== undefined) return topic
  throw new RequestRefused(
    errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `There is no topic ${JSON.stringify(name)}.`,
  )
}
