import { MillraceError } from '../../errors.ts'
import { decodeSubscription } from '../../protocol/consumer-protocol.ts'
import { type Group, metadataFor } from './group-state.ts'

/**
 * The topics that members of a consumer group are subscribed to. Null when nobody can say: in a group of another kind, and
 * when a member's metadata is no subscription. (Kafka: ClassicGroup.computeSubscribedTopics.)
 */
export function subscribedTopics(group: Group): ReadonlySet<string> | null {
  if (group.protocolType !== 'consumer') return null
  const topics = new Set<string>()
  for (const member of group.members.values()) {
    const wanted = topicsOf(metadataFor(member, group.protocolName))
    if (wanted === null) return null
    for (const topic of wanted) topics.add(topic)
  }
  return topics
}

function topicsOf(metadata: Buffer): readonly string[] | null {
  try {
    return decodeSubscription(metadata).topics
  } catch (error) {
    // The broker only hands metadata on: whatever a client puts there is its own business.
    if (error instanceof MillraceError && error.code === 'PROTOCOL_ERROR') return null
    throw error
  }
}
