/**
 * The server's side of one SASL exchange: tokens in, tokens out, until it is known who the client is. What is wrong with
 * a token is not said, because only an attacker would learn from it.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Random } from '../../platform/platform.ts'
import {
  decodeSaslName,
  isClientProof,
  type ScramCredential,
  type ScramMechanism,
  scramMechanisms,
  serverSignature,
} from '../../protocol/scram.ts'
import type { Users } from './users.ts'

/** Mechanisms that the broker can offer. */
export const saslMechanisms = ['PLAIN', ...scramMechanisms] as const
export type SaslMechanism = 'PLAIN' | ScramMechanism

export interface SaslStep {
  readonly answer: Buffer
  /** Name of the user once the client has proved to be them; null while the exchange goes on. */
  readonly user: string | null
}

/** Takes the client's next token; null when the exchange has failed. */
export type SaslExchange = (token: Buffer) => Promise<SaslStep | null>

export function saslExchange(mechanism: SaslMechanism, users: Users, random: Random): SaslExchange {
  return mechanism === 'PLAIN' ? plainExchange(users) : scramExchange(mechanism, users, random)
}

/** RFC 4616: the name and the password as they are, so only for encrypted connections. */
function plainExchange(users: Users): SaslExchange {
  return async token => {
    const [authorizationId, user, password, ...rest] = token.toString('utf8').split('\0')
    if (!user || !password || rest.length > 0) return null
    const isRight = await users.hasPassword(user, password)
    const actsForOther = authorizationId !== '' && authorizationId !== user
    return isRight && !actsForOther ? { answer: Buffer.alloc(0), user } : null
  }
}

/** RFC 5802, without channel binding. */
function scramExchange(mechanism: ScramMechanism, users: Users, random: Random): SaslExchange {
  let proving: Proving | null = null
  return async token => {
    const text = token.toString('utf8')
    if (proving === null) {
      proving = begin(mechanism, users, random, text)
      return proving && { answer: Buffer.from(proving.serverFirst), user: null }
    }
    return finish(mechanism, users, proving, text)
  }
}

/** What is known between the client's two messages. */
interface Proving {
  readonly user: string
  readonly exists: boolean
  readonly credential: ScramCredential
  /** The client's flags about channel binding, and whom it acts for. */
  readonly header: string
  readonly clientFirstBare: string
  readonly serverFirst: string
  readonly clientNonce: string
  /** That of the client and, behind it, that of the server. */
  readonly nonce: string
}

/** `n,a=<for whom>,n=<name>,r=<nonce>`, then perhaps extensions, which nobody needs. */
const clientFirst =
  /^((?:n|y),(?:a=([^,]*))?,)(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]*)*)$/

function begin(
  mechanism: ScramMechanism,
  users: Users,
  random: Random,
  message: string,
): Proving | null {
  const [, header, actsFor, clientFirstBare, encodedName, clientNonce] =
    clientFirst.exec(message) ?? []
  if (header === undefined || clientFirstBare === undefined || clientNonce === undefined)
    return null
  const user = decodeSaslName(encodedName ?? '')
  if (user === null || user === '') return null
  if (actsFor !== undefined && decodeSaslName(actsFor) !== user) return null
  const known = users.credential(user, mechanism)
  const credential = known ?? users.decoy(user, mechanism)
  const nonce = `${clientNonce}${random.bytes(18).toString('base64')}`
  const salt = credential.salt.toString('base64')
  return {
    user,
    exists: known !== undefined,
    credential,
    header,
    clientFirstBare,
    serverFirst: `r=${nonce},s=${salt},i=${credential.iterations}`,
    clientNonce,
    nonce,
  }
}

/** `c=<header in base64>,r=<nonce>`, perhaps extensions, `p=<proof>`. */
const clientFinal = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[A-Za-z]=[^,]*)*),p=([A-Za-z0-9+/=]+)$/

function finish(
  mechanism: ScramMechanism,
  users: Users,
  proving: Proving,
  message: string,
): SaslStep | null {
  const [, withoutProof, binding, nonce, proof] = clientFinal.exec(message) ?? []
  const { user, credential, header, clientFirstBare, serverFirst } = proving
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const bytes = Buffer.from(proof ?? '', 'base64')
  const isProved = isClientProof(mechanism, credential, { authMessage, bytes })
  const isBound = Buffer.from(binding ?? '', 'base64').toString('utf8') === header
  // librdkafka before 2.6.1 puts its own nonce before ours, which has it already. Kafka 3.8.1 to 3.9 takes that too; as all
  // of our nonce is there and under the proof, it cannot be an old message.
  const isSame =
    equal(nonce ?? '', proving.nonce) ||
    equal(nonce ?? '', `${proving.clientNonce}${proving.nonce}`)
  // Taken away or set anew meanwhile, it is not good any more.
  const isCurrent = proving.exists && users.credential(user, mechanism) === credential
  if (!isProved || !isBound || !isSame || !isCurrent) return null
  const signature = serverSignature(mechanism, credential.serverKey, authMessage)
  return { answer: Buffer.from(`v=${signature.toString('base64')}`), user }
}

function equal(one: string, other: string): boolean {
  const a = Buffer.from(one)
  const b = Buffer.from(other)
  return a.length === b.length && timingSafeEqual(a, b)
}
