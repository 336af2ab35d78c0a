/**
 * CreateAcls: adds access rules.
 *
 * Versions: 1-3.
 *
 * Behaviour: needs Alter on the cluster. Rules that can never mean anything are refused one by one with INVALID_REQUEST; the
 * others are added together, durable and in force when answered. One that is there already is no error.
 * SECURITY_DISABLED without the setting `authorizer`.
 *
 * Differs from Apache Kafka: there are at most `maxAcls` rules, and none for users and delegation tokens.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { createAcls } from '../../protocol/messages/30-create-acls.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import type { Acl } from '../security/acl.ts'
import { aclOf } from '../security/acl-filter.ts'
import { needed } from '../security/needed.ts'
import { checkAclAccess } from './acl-administration.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

export const createAclsHandler: ApiHandler = apiHandler(
  createAcls,
  { min: 1, max: 3 },
  async (broker, { creations }, context) => {
    const { authorizer, logger, config } = broker
    const good: Acl[] = []
    const results: { errorCode: number; errorMessage?: string | null }[] = []
    for (const creation of creations) {
      try {
        checkAclAccess(broker, context, needed.createAcls.cluster)
        const acl = aclOf(creation)
        if (authorizer.acls().length + good.length >= config.maxAcls) {
          throw new RequestRefused(
            errorCode.POLICY_VIOLATION,
            `There can be ${config.maxAcls} rules at most (maxAcls): use prefixes, or remove some.`,
          )
        }
        good.push(acl)
        results.push({ errorCode: errorCode.NONE })
      } catch (error) {
        results.push(answerTo(error, logger))
      }
    }
    if (good.length === 0) return { results }
    try {
      await authorizer.add(good)
      return { results }
    } catch (error) {
      const failure = answerTo(error, logger)
      return { results: results.map(result => (result.errorCode === 0 ? failure : result)) }
    }
  },
)
