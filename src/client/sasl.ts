/** The client's side of a login: PLAIN (RFC 4616), SCRAM (RFC 5802) in SaslHandshake and SaslAuthenticate (KIP-152). */
import { timingSafeEqual } from 'node:crypto'
import { MillraceError } from '../errors.ts'
import type { Random } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { saslHandshake } from '../protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../protocol/messages/36-sasl-authenticate.ts'
import {
  clientProof,
  encodeSaslName,
  saltPassword,
  scramCredential,
  type ScramMechanism,
  serverSignature,
} from '../protocol/scram.ts'
import type { Connection } from './connection.ts'
import { logError } from './errors.ts'

/**
 * How a client proves who it is.
 */
export interface SaslOptions {
  /** PLAIN shows the password to whoever reads along: use it with TLS. SCRAM only proves to know it. */
  readonly mechanism: 'PLAIN' | ScramMechanism
  readonly username: string
  readonly password: string
}

type Requests = Pick<Connection, 'request'>

/** Sends a token and resolves with the broker's. */
type Exchange = (token: string) => Promise<string>

/**
 * Logs in on a connection. Resolves with how long in milliseconds the broker believes it, 0 for ever (KIP-368). Rejects
 * with LOG_ERROR when the broker refuses, PROTOCOL_ERROR when it cannot prove that it knows the password itself.
 */
export async function logIn(
  options: SaslOptions,
  connection: Requests,
  random: Random,
): Promise<number> {
  const { mechanism, username } = options
  const failure = `User ${username} could not log in by ${mechanism}`
  let sessionLifetimeMs = 0
  const exchange: Exchange = async token => {
    const answer = await connection.request(saslAuthenticate, { authBytes: Buffer.from(token) })
    if (answer.errorCode !== errorCode.NONE) {
      throw logError(answer.errorCode, failure, answer.errorMessage)
    }
    sessionLifetimeMs = answer.sessionLifetimeMs
    return answer.authBytes.toString('utf8')
  }

  const offer = await connection.request(saslHandshake, { mechanism })
  if (offer.errorCode !== errorCode.NONE) {
    const offered = offer.mechanisms.join(', ') || 'none'
    throw logError(offer.errorCode, failure, `mechanisms that it offers: ${offered}`)
  }
  if (mechanism === 'PLAIN') await exchange(`\0${username}\0${options.password}`)
  else await scram(mechanism, options, exchange, random)
  return sessionLifetimeMs
}

async function scram(
  mechanism: ScramMechanism,
  { username, password }: SaslOptions,
  exchange: Exchange,
  random: Random,
): Promise<void> {
  const header = 'n,,'
  const clientNonce = random.bytes(18).toString('base64')
  const clientFirstBare = `n=${encodeSaslName(username)},r=${clientNonce}`
  const serverFirst = await exchange(`${header}${clientFirstBare}`)
  const { nonce, salt, iterations } = readServerFirst(serverFirst, clientNonce)

  const withoutProof = `c=${Buffer.from(header).toString('base64')},r=${nonce}`
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const salted = await saltPassword(mechanism, password, { salt, iterations })
  const proof = clientProof(mechanism, salted, authMessage).toString('base64')
  const serverFinal = await exchange(`${withoutProof},p=${proof}`)

  const { serverKey } = scramCredential(mechanism, salted, { salt, iterations })
  const expected = serverSignature(mechanism, serverKey, authMessage)
  const shown = Buffer.from(/^v=([^,]*)/.exec(serverFinal)?.[1] ?? '', 'base64')
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) {
    throw notScram('it does not know the password itself, so it may not be the broker you mean')
  }
}

/** More would let whoever poses as the broker keep this process busy. */
const MAX_ITERATIONS = 1_000_000
/** Less would let whoever reads along try passwords too fast; RFC 7677 asks for this. */
const MIN_ITERATIONS = 4096

function readServerFirst(
  message: string,
  clientNonce: string,
): { nonce: string; salt: Buffer; iterations: number } {
  const [, nonce, salt, count] = /^r=([^,]+),s=([^,]+),i=(\d+)(?:,|$)/.exec(message) ?? []
  if (nonce === undefined || salt === undefined) throw notScram('its first message is not of SCRAM')
  if (!nonce.startsWith(clientNonce) || nonce === clientNonce) {
    throw notScram('its nonce does not go on from that of this client')
  }
  const iterations = Number(count)
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    throw notScram(
      `it asks for ${iterations} iterations, and ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are accepted`,
    )
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations }
}

const notScram = (why: string): MillraceError =>
  new MillraceError(
    'PROTOCOL_ERROR',
    `The login is given up because of what the broker says: ${why}.`,
  )
