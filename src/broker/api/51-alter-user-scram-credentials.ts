/**
 * AlterUserScramCredentials: sets and takes away what users log in with (KIP-554). Clients salt the password themselves and
 * send the result.
 *
 * Versions: 0.
 *
 * Behaviour: needs Alter on the cluster. A user's changes are made all or none, durable and in force when answered: open
 * connections stay. Iterations from 4096 to 16384 (UNACCEPTABLE_CREDENTIAL otherwise); taking away what is not there is
 * RESOURCE_NOT_FOUND, the same mechanism of a user twice DUPLICATE_RESOURCE.
 *
 * Differs from Apache Kafka: both mechanisms of a user may be changed in one request. Users of PLAIN are these users too, so they need no
 * file of their own. There are at most `maxUsers`.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { alterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import type { Infer } from '../../protocol/schema.ts'
import {
  maxScramIterations,
  minScramIterations,
  scramCode,
  scramCredential,
  scramKeyBytes,
  type ScramMechanism,
  scramMechanisms,
} from '../../protocol/scram.ts'
import type { Broker } from '../broker.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import type { CredentialChange } from '../security/users.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'

type Request = Infer<typeof alterUserScramCredentials.request>

export const alterUserScramCredentialsHandler: ApiHandler = apiHandler(
  alterUserScramCredentials,
  { min: 0, max: 0 },
  async (broker, request, context) => {
    const { cluster } = needed.alterUserScramCredentials
    const mayAlter = broker.authorizer.authorize(context, cluster, clusterName)
    const deletions = Map.groupBy(request.deletions, ({ name }) => name)
    const upsertions = Map.groupBy(request.upsertions, ({ name }) => name)
    const names = new Set([...deletions.keys(), ...upsertions.keys()])
    const results: { user: string; errorCode: number; errorMessage?: string | null }[] = []
    for (const user of names) {
      try {
        if (!mayAlter) throw new RequestRefused(cluster.refusal, 'The client may not alter users.')
        await broker.users.change(
          changesOf(broker, user, {
            deletions: deletions.get(user) ?? [],
            upsertions: upsertions.get(user) ?? [],
          }),
        )
        results.push({ user, errorCode: errorCode.NONE })
      } catch (error) {
        results.push({ user, ...answerTo(error, broker.logger) })
      }
    }
    return { results }
  },
)

const MAX_NAME_CHARS = 255
const MIN_SALT_BYTES = 8
const MAX_SALT_BYTES = 1024

function changesOf(
  broker: Broker,
  user: string,
  { deletions, upsertions }: Pick<Request, 'deletions' | 'upsertions'>,
): CredentialChange[] {
  const { users, config } = broker
  if (user === '' || user.length > MAX_NAME_CHARS) {
    throw unacceptable(`Names of users have 1 to ${MAX_NAME_CHARS} characters.`)
  }
  const names = upsertions.length > 0 ? users.names() : []
  if (names.length >= config.maxUsers && !names.includes(user)) {
    throw new RequestRefused(
      errorCode.POLICY_VIOLATION,
      `There can be ${config.maxUsers} users at most (maxUsers).`,
    )
  }
  const changes = [
    ...deletions.map(({ mechanism: code }) => {
      const mechanism = mechanismOf(code)
      if (users.credential(user, mechanism) !== undefined) {
        return { user, mechanism, credential: null }
      }
      throw new RequestRefused(
        errorCode.RESOURCE_NOT_FOUND,
        `The user ${user} has no credential of ${mechanism}.`,
      )
    }),
    ...upsertions.map(upsertion => upsertionOf(user, upsertion)),
  ]
  if (new Set(changes.map(({ mechanism }) => mechanism)).size === changes.length) return changes
  throw new RequestRefused(
    errorCode.DUPLICATE_RESOURCE,
    `The request changes the same credential of ${user} twice.`,
  )
}

function upsertionOf(user: string, upsertion: Request['upsertions'][number]): CredentialChange {
  const { iterations, saltedPassword } = upsertion
  const mechanism = mechanismOf(upsertion.mechanism)
  if (iterations < minScramIterations || iterations > maxScramIterations) {
    throw unacceptable(
      `${iterations} iterations are not between ${minScramIterations} and ${maxScramIterations}.`,
    )
  }
  if (saltedPassword.length !== scramKeyBytes(mechanism)) {
    throw unacceptable(`A salted password of ${mechanism} has ${scramKeyBytes(mechanism)} bytes.`)
  }
  if (upsertion.salt.length < MIN_SALT_BYTES || upsertion.salt.length > MAX_SALT_BYTES) {
    throw unacceptable(`A salt has ${MIN_SALT_BYTES} to ${MAX_SALT_BYTES} bytes.`)
  }
  // Copied, because the frame that it came in goes.
  const how = { iterations, salt: Buffer.from(upsertion.salt) }
  return { user, mechanism, credential: scramCredential(mechanism, saltedPassword, how) }
}

function mechanismOf(code: number): ScramMechanism {
  const mechanism = scramMechanisms.find(each => scramCode(each) === code)
  if (mechanism !== undefined) return mechanism
  throw new RequestRefused(
    errorCode.UNSUPPORTED_SASL_MECHANISM,
    `There is no SCRAM mechanism ${code}.`,
  )
}

const unacceptable = (message: string): RequestRefused =>
  new RequestRefused(errorCode.UNACCEPTABLE_CREDENTIAL, message)
