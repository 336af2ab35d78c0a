/**
 * DeleteGroups: takes groups away with the offsets they committed.
 *
 * Versions: 0-2.
 *
 * Behaviour: a group with members is NON_EMPTY_GROUP, one that nobody knows GROUP_ID_NOT_FOUND. Durable when answered.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { deleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const deleteGroupsHandler: ApiHandler = apiHandler(
  deleteGroups,
  { min: 0, max: 2 },
  async (broker, { groupsNames }, context) => ({
    results: await Promise.all(
      groupsNames.map(async groupId => ({
        groupId,
        errorCode: broker.authorizer.authorize(context, needed.deleteGroups.group, groupId)
          ? await broker.groups.deleteGroup(groupId)
          : needed.deleteGroups.group.refusal,
      })),
    ),
  }),
)
