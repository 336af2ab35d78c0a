/**
 * DescribeAcls: the access rules that match a filter.
 *
 * Versions: 1-3.
 *
 * Behaviour: needs Describe on the cluster. 1 stands for any type, operation or permission, null for any name; the type of
 * pattern 2 (match) asks for all rules that say something of the resource, by whatever pattern. SECURITY_DISABLED without
 * the setting `authorizer`.
 *
 * Differs from Apache Kafka: there are no rules for users and delegation tokens; asking for them is INVALID_REQUEST.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeAcls } from '../../protocol/messages/29-describe-acls.ts'
import type { InferInput } from '../../protocol/schema.ts'
import { answerTo } from '../request-refused.ts'
import type { Acl } from '../security/acl.ts'
import { aclMatcher } from '../security/acl-filter.ts'
import { needed } from '../security/needed.ts'
import { checkAclAccess, resourceOnWire, ruleOnWire } from './acl-administration.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type Resources = InferInput<typeof describeAcls.response>['resources']

export const describeAclsHandler: ApiHandler = apiHandler(
  describeAcls,
  { min: 1, max: 3 },
  (broker, filter, context) => {
    try {
      checkAclAccess(broker, context, needed.describeAcls.cluster)
      const found = broker.authorizer.acls().filter(aclMatcher(filter))
      return { errorCode: errorCode.NONE, resources: byResource(found) }
    } catch (error) {
      return { ...answerTo(error, broker.logger), resources: [] }
    }
  },
)

function byResource(acls: readonly Acl[]): Resources {
  const groups = new Map<string, Acl[]>()
  for (const acl of acls) {
    const key = JSON.stringify(resourceOnWire(acl))
    groups.set(key, [...(groups.get(key) ?? []), acl])
  }
  return [...groups.values()].flatMap(group =>
    group.slice(0, 1).map(first => ({ ...resourceOnWire(first), acls: group.map(ruleOnWire) })),
  )
}
