/**
 * Who is at the other end of a connection. At a listener without SASL everybody is known from the start, by a certificate
 * or as anonymous. At one with SASL a client may ask for versions and log in, and nothing else, until it has proved who
 * it is. The first failure ends the connection, after a pause that says nothing about its reason.
 *
 * Kafka: SaslServerAuthenticator, KIP-152 (tokens in SaslAuthenticate), KIP-368 (sessions that end).
 */
import { MillraceError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { Platform, Timer } from '../../platform/platform.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { saslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import type { BrokerConfig } from '../config.ts'
import type { Principal } from './principal.ts'
import { type SaslExchange, saslExchange, type SaslMechanism } from './sasl-exchange.ts'
import type { Users } from './users.ts'

export interface Authentication {
  /** Who the client is, as far as it is known. */
  readonly principal: Principal
  /** Whether the client has proved who it is: until then, frames may be `saslServerMaxReceiveBytes` long at most. */
  readonly isDone: boolean
  /** Whether the next frame is a bare token instead of a request: so it is after version 0 of SaslHandshake. */
  readonly expectsToken: boolean
  /** Whether the connection must be closed once the answer that was made last is sent. */
  readonly hasFailed: boolean
  /** Throws PROTOCOL_ERROR when the client may not ask for this now: its connection ends. */
  check(apiKey: number): void
  /** Serves SaslHandshake. */
  handshake(mechanism: string, version: number): Promise<HandshakeAnswer>
  /** Serves SaslAuthenticate. */
  authenticate(token: Buffer): Promise<AuthenticateAnswer>
  /** Serves a bare token; null when the exchange has failed, for which there is no answer. */
  bareToken(token: Buffer): Promise<Buffer | null>
  /** The connection is closed. */
  close(): void
}

export interface HandshakeAnswer {
  readonly errorCode: number
  readonly mechanisms: readonly string[]
}

export interface AuthenticateAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly authBytes: Buffer
  readonly sessionLifetimeMs: number
}

export interface OpenAuthenticationOptions {
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly users: Users
  /** What the listener offers; none when clients need not log in. */
  readonly mechanisms: readonly SaslMechanism[]
  /** Who the client is if it need not log in; asked with its first request. */
  readonly transportPrincipal: () => Principal
  /** For log lines. */
  readonly remote: unknown
  /** Called when the client has not logged in after `authenticationTimeoutMs`. */
  readonly tooLate: () => void
}

const EMPTY = Buffer.alloc(0)
const loginApis = new Set([apiVersions.key, saslHandshake.key, saslAuthenticate.key])
/** Requests that a client may make before it has logged in: more than any needs. */
const MAX_EARLY_REQUESTS = 32

/** Begins with a connection, before its first frame. */
export function openAuthentication(options: OpenAuthenticationOptions): Authentication {
  const { platform, config, logger, users, mechanisms, remote } = options
  const needsLogin = mechanisms.length > 0
  let principal: Principal | null = null
  let transportPrincipal: Principal | null = null
  /** The one that the client has logged in with, which it must keep. */
  let provedBy: SaslMechanism | null = null
  let chosen: SaslMechanism | null = null
  let exchange: SaslExchange | null = null
  let isBare = false
  let hasFailed = false
  let earlyRequests = 0
  let sessionEndMs = Infinity
  let timer: Timer | null = null
  if (needsLogin) {
    timer = platform.timers.schedule(config.authenticationTimeoutMs, () => {
      timer = null
      options.tooLate()
    })
  }

  /** Resolves so long after `sinceMs`, when the client asked, that the time tells nothing of what was looked at. */
  function fail(why: string, sinceMs: number): Promise<void> {
    hasFailed = true
    exchange = null
    isBare = false
    logger.info({ remote, mechanism: chosen }, `A client could not log in: ${why}.`)
    const goneMs = platform.clock.monotonic() - sinceMs
    const delayMs = Math.max(0, config.connectionFailedAuthenticationDelayMs - goneMs)
    return new Promise(resolve => platform.timers.schedule(delayMs, resolve))
  }

  /** The answer to a token, or null when the exchange has failed. */
  async function take(token: Buffer): Promise<Buffer | null> {
    const sinceMs = platform.clock.monotonic()
    const step = (await exchange?.(token)) ?? null
    if (step === null) {
      await fail('the credentials are not valid', sinceMs)
      return null
    }
    if (step.user === null) return step.answer
    if (principal !== null && (principal.name !== step.user || provedBy !== chosen)) {
      await fail('a connection cannot change its user or mechanism', sinceMs)
      return null
    }
    principal ??= { type: 'User', name: step.user }
    provedBy = chosen
    exchange = null
    isBare = false
    timer?.cancel()
    timer = null
    if (config.connectionsMaxReauthMs > 0) {
      sessionEndMs = platform.clock.monotonic() + config.connectionsMaxReauthMs
    }
    return step.answer
  }

  return {
    get principal() {
      return principal ?? (transportPrincipal ??= options.transportPrincipal())
    },
    get isDone() {
      return !needsLogin || principal !== null
    },
    get expectsToken() {
      return isBare
    },
    get hasFailed() {
      return hasFailed
    },
    check(apiKey) {
      if (!needsLogin) return
      if (principal === null) {
        earlyRequests++
        if (!hasFailed && loginApis.has(apiKey) && earlyRequests <= MAX_EARLY_REQUESTS) return
        throw new MillraceError(
          'PROTOCOL_ERROR',
          `The client asked for API ${apiKey} before it had logged in. Give it a user and a SASL mechanism (${mechanisms.join(', ')}).`,
        )
      }
      if (platform.clock.monotonic() < sessionEndMs || loginApis.has(apiKey)) return
      throw new MillraceError(
        'PROTOCOL_ERROR',
        `The client did not log in again within connectionsMaxReauthMs (${config.connectionsMaxReauthMs} ms).`,
      )
    },
    async handshake(wanted, version) {
      const isAgain = principal !== null
      const mayBegin = needsLogin && exchange === null && !hasFailed
      if (!mayBegin || (isAgain && (sessionEndMs === Infinity || version === 0))) {
        return { errorCode: errorCode.ILLEGAL_SASL_STATE, mechanisms: [] }
      }
      chosen = mechanisms.find(mechanism => mechanism === wanted) ?? null
      if (chosen === null) {
        await fail('it wants a mechanism that is not offered', platform.clock.monotonic())
        return { errorCode: errorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms }
      }
      exchange = saslExchange(chosen, users, platform.random)
      isBare = version === 0
      return { errorCode: errorCode.NONE, mechanisms }
    },
    async authenticate(token) {
      if (exchange === null) {
        return {
          ...refused,
          errorCode: errorCode.ILLEGAL_SASL_STATE,
          errorMessage: 'SaslAuthenticate comes after SaslHandshake.',
        }
      }
      const answer = await take(token)
      if (answer === null) return refused
      const sessionLifetimeMs = exchange === null ? config.connectionsMaxReauthMs : 0
      return { errorCode: errorCode.NONE, errorMessage: null, authBytes: answer, sessionLifetimeMs }
    },
    bareToken: take,
    close() {
      timer?.cancel()
      timer = null
    },
  }
}

const refused: AuthenticateAnswer = {
  errorCode: errorCode.SASL_AUTHENTICATION_FAILED,
  errorMessage: 'Authentication failed: the user, the password or the mechanism is not valid.',
  authBytes: EMPTY,
  sessionLifetimeMs: 0,
}

/** Of who is known from the start. */
export function knownClient(principal: Principal): Authentication {
  const notHere = { errorCode: errorCode.ILLEGAL_SASL_STATE, mechanisms: [] }
  return {
    principal,
    isDone: true,
    expectsToken: false,
    hasFailed: false,
    check() {},
    handshake: async () => notHere,
    authenticate: async () => ({ ...refused, errorCode: errorCode.ILLEGAL_SASL_STATE }),
    bareToken: async () => null,
    close() {},
  }
}
