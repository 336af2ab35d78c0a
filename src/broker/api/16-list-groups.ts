/**
 * ListGroups: the groups that the broker coordinates.
 *
 * Versions: 0-5; filtered by state from 4, by type from 5.
 *
 * Behaviour: who may not describe the cluster sees the groups that it may describe. Filters ignore case. A name in a filter that is no state or type matches nothing.
 *
 * Differs from Apache Kafka: all groups are of type `classic`.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { listGroups } from '../../protocol/messages/16-list-groups.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

const TYPE = 'classic'

export const listGroupsHandler: ApiHandler = apiHandler(
  listGroups,
  { min: 0, max: 5 },
  async (broker, { statesFilter, typesFilter }, context) => {
    const { cluster, group: permission } = needed.listGroups
    const { authorizer } = broker
    const maySeeAll = authorizer.authorize(context, cluster, clusterName)
    // Who can see nothing does not make the broker prepare anything either.
    if (!maySeeAll && !authorizer.authorizeAny(context, permission)) {
      return { errorCode: errorCode.NONE, groups: [] }
    }
    await broker.groups.ready()
    const matches = (filter: string[], value: string): boolean =>
      filter.length === 0 || filter.some(name => name.toLowerCase() === value.toLowerCase())
    return {
      errorCode: errorCode.NONE,
      groups: broker.groups
        .groups()
        .filter(group => matches(statesFilter, group.phase) && matches(typesFilter, TYPE))
        .filter(({ groupId }) => maySeeAll || authorizer.authorize(context, permission, groupId))
        .map(group => ({
          groupId: group.groupId,
          protocolType: group.protocolType ?? '',
          groupState: group.phase,
          groupType: TYPE,
        })),
    }
  },
)
