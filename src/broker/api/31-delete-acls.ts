/**
 * DeleteAcls: removes the access rules that match filters.
 *
 * Versions: 1-3.
 *
 * Behaviour: needs Alter on the cluster. Filters are those of DescribeAcls. What each removed is told; it is gone for good
 * and no longer in force when answered. SECURITY_DISABLED without the setting `authorizer`.
 *
 * Differs from Apache Kafka: a rule that matches two filters of a request is told for the first one only.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { deleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import type { InferInput } from '../../protocol/schema.ts'
import { answerTo } from '../request-refused.ts'
import { aclMatcher } from '../security/acl-filter.ts'
import { needed } from '../security/needed.ts'
import { checkAclAccess, resourceOnWire, ruleOnWire } from './acl-administration.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type Result = InferInput<typeof deleteAcls.response>['filterResults'][number]

export const deleteAclsHandler: ApiHandler = apiHandler(
  deleteAcls,
  { min: 1, max: 3 },
  async (broker, { filters }, context) => {
    const filterResults: Result[] = []
    for (const filter of filters) {
      try {
        checkAclAccess(broker, context, needed.deleteAcls.cluster)
        const gone = await broker.authorizer.remove(aclMatcher(filter))
        filterResults.push({
          errorCode: errorCode.NONE,
          matchingAcls: gone.map(acl => ({
            errorCode: errorCode.NONE,
            ...resourceOnWire(acl),
            ...ruleOnWire(acl),
          })),
        })
      } catch (error) {
        filterResults.push({ ...answerTo(error, broker.logger), matchingAcls: [] })
      }
    }
    return { filterResults }
  },
)
