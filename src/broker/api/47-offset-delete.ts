/**
 * OffsetDelete: takes away offsets that a group committed.
 *
 * Versions: 0.
 *
 * Behaviour: an empty group may lose all offsets. In a consumer group with members the offsets of topics that a member is
 * subscribed to are refused with GROUP_SUBSCRIBED_TO_TOPIC; in any other group with members everything is NON_EMPTY_GROUP.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { offsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import type { OffsetPlace } from '../coordinator/offsets.ts'
import { subscribedTopics } from '../coordinator/subscribed-topics.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const offsetDeleteHandler: ApiHandler = apiHandler(
  offsetDelete,
  { min: 0, max: 0 },
  async (broker, { groupId, topics }, context) => {
    const { group: permission, topic: topicPermission } = needed.offsetDelete
    if (!broker.authorizer.authorize(context, permission, groupId)) {
      return { errorCode: permission.refusal, topics: [] }
    }
    if (groupId === '') return { errorCode: errorCode.INVALID_GROUP_ID, topics: [] }
    await broker.groups.ready()
    const group = broker.groups.find(groupId)
    if (group === undefined) return { errorCode: errorCode.GROUP_ID_NOT_FOUND, topics: [] }
    if (group.phase !== 'Empty' && group.protocolType !== 'consumer') {
      return { errorCode: errorCode.NON_EMPTY_GROUP, topics: [] }
    }
    const subscribed = subscribedTopics(group)
    // Whoever cannot be understood may be subscribed to anything.
    const isSubscribed = (topic: string): boolean =>
      subscribed === null ? group.protocolType === 'consumer' : subscribed.has(topic)
    const places: OffsetPlace[] = []
    const answers = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        let code: number = errorCode.NONE
        if (!broker.authorizer.authorize(context, topicPermission, name)) {
          code = topicPermission.refusal
        } else if (isSubscribed(name)) code = errorCode.GROUP_SUBSCRIBED_TO_TOPIC
        else if (broker.topics.partition(name, partitionIndex) === undefined) {
          code = errorCode.UNKNOWN_TOPIC_OR_PARTITION
        } else places.push({ topic: name, partition: partitionIndex })
        return { partitionIndex, errorCode: code }
      }),
    }))
    const code = await broker.groups.deleteOffsets(groupId, places)
    return { errorCode: code, topics: code === errorCode.NONE ? answers : [] }
  },
)
