/**
 * OffsetCommit: stores offsets of a group.
 *
 * Versions: 2-9.
 *
 * Behaviour: durable when answered. A generation below 0 commits for a group without members. Any offset is taken,
 * negative ones too: some clients commit -1 or -2 for "the end" and "the start". Metadata longer than the setting
 * `offsetMetadataMaxBytes` is refused for its partition, and so are partitions that do not exist; the others are stored
 * together or not at all.
 * A `retentionTimeMs` of versions 2-4 is how long the offset is kept, whatever becomes of its group; without it the rule
 * of `coordinator/group-expiry.ts` holds.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { offsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { committableOffsets, committed, refusedOffsets } from './committable-offsets.ts'

export const offsetCommitHandler: ApiHandler = apiHandler(
  offsetCommit,
  { min: 2, max: 9 },
  async (broker, request, context) => {
    const { authorizer } = broker
    const { group, topic } = needed.offsetCommit
    const mayRead = (name: string): boolean => authorizer.authorize(context, topic, name)
    if (!authorizer.authorize(context, group, request.groupId)) {
      return { topics: refusedOffsets(request.topics, group.refusal) }
    }
    const commit = committableOffsets(broker, mayRead, request.topics)
    const code = await broker.groups.commit(
      request.groupId,
      {
        generation: request.generationIdOrMemberEpoch,
        memberId: request.memberId,
        instanceId: request.groupInstanceId,
        offsets: commit.offsets,
      },
      {
        unknownGroup:
          context.version >= 9 ? errorCode.GROUP_ID_NOT_FOUND : errorCode.ILLEGAL_GENERATION,
        retentionMs: request.retentionTimeMs,
      },
    )
    return { topics: committed(commit, code) }
  },
)
