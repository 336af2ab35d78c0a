/**
 * DescribeUserScramCredentials: who can log in by SCRAM, without the secrets (KIP-554).
 *
 * Versions: 0.
 *
 * Behaviour: needs Describe on the cluster. Null or no users ask for all. One that does not exist is RESOURCE_NOT_FOUND,
 * one that is named twice DUPLICATE_RESOURCE.
 *
 * Differs from Apache Kafka: in nothing known.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import type { InferInput } from '../../protocol/schema.ts'
import { scramCode, scramMechanisms } from '../../protocol/scram.ts'
import type { Broker } from '../broker.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { repeats } from './each-once.ts'

type Result = InferInput<typeof describeUserScramCredentials.response>['results'][number]

export const describeUserScramCredentialsHandler: ApiHandler = apiHandler(
  describeUserScramCredentials,
  { min: 0, max: 0 },
  (broker, request, context) => {
    const { cluster } = needed.describeUserScramCredentials
    if (!broker.authorizer.authorize(context, cluster, clusterName)) {
      return { errorCode: cluster.refusal, errorMessage: null, results: [] }
    }
    const asked = request.users?.map(({ name }) => name) ?? []
    const names = asked.length === 0 ? broker.users.names() : new Set(asked)
    const twice = repeats(asked)
    return {
      errorCode: errorCode.NONE,
      results: [...names].map(user => describe(broker, user, twice.has(user))),
    }
  },
)

function describe({ users }: Broker, user: string, isTwice: boolean): Result {
  const problem = (code: number, errorMessage: string): Result => ({
    user,
    errorCode: code,
    errorMessage,
    credentialInfos: [],
  })
  if (isTwice) {
    return problem(errorCode.DUPLICATE_RESOURCE, `The user ${user} is named twice: name it once.`)
  }
  const credentialInfos = scramMechanisms.flatMap(mechanism => {
    const known = users.credential(user, mechanism)
    if (known === undefined) return []
    return [{ mechanism: scramCode(mechanism), iterations: known.iterations }]
  })
  if (credentialInfos.length > 0) return { user, errorCode: errorCode.NONE, credentialInfos }
  return problem(errorCode.RESOURCE_NOT_FOUND, `There is no user ${user}.`)
}
