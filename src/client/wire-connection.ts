import { MillraceError } from '../errors.ts'
import type { Address, ClientTls, Platform, Socket, Timer } from '../platform/platform.ts'
import { errorCode, errorName } from '../protocol/error-codes.ts'
import {
  FrameSplitter,
  decodeResponse,
  encodeRequest,
  responseCorrelationId,
} from '../protocol/frame.ts'
import { apiVersions } from '../protocol/messages/18-api-versions.ts'
import { saslHandshake } from '../protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../protocol/messages/36-sasl-authenticate.ts'
import type { Api, Infer } from '../protocol/schema.ts'
import type { Connection, Connector, RequestOptions } from './connection.ts'
import { logIn, type SaslOptions } from './sasl.ts'

/**
 * Who connects, and what it takes from a broker.
 */
export interface WireOptions {
  /** Names this client in the broker's logs and quotas. */
  readonly clientId: string
  /** Encrypts the connections, and shows the client's certificate if it has one. @defaultValue no TLS */
  readonly tls?: ClientTls
  /** Proves who the client is. @defaultValue no login */
  readonly sasl?: SaslOptions
  /** How long in milliseconds a connection may take to open, and a broker to answer. @defaultValue 30000 */
  readonly requestTimeoutMs?: number
  /** Largest response in bytes that is accepted. @defaultValue 100 MiB */
  readonly maxFrameBytes?: number
}

/** For the broker's statistics; Apache Kafka refuses empty ones. The version is that of this conversation. */
const software = { clientSoftwareName: 'millrace', clientSoftwareVersion: '1' }

/** The version with tagged fields: what every broker since Apache Kafka 2.4 knows. Older ones say what they know. */
const firstTriedVersion = 3

/**
 * Connections over sockets: the `connector` of a log client that reaches its brokers over TCP. Opening one asks the
 * broker for its versions (ApiVersions, KIP-35, KIP-511); requests are pipelined, and responses are matched in order,
 * as Kafka promises. A request that is not answered in time ends the connection, because the next answer could not be
 * told from the late one's.
 *
 * Opening rejects with CONNECTION_LOST when nobody answers in time, PROTOCOL_ERROR when the answer is not Kafka's,
 * LOG_ERROR when the broker refuses the login. A login that ends (KIP-368) is repeated before its end.
 *
 * @example
 * ```ts
 * import { createLogClient, nodePlatform, wireConnector } from 'millrace'
 * import { startBroker } from 'millrace/broker'
 *
 * await using broker = await startBroker()
 * const platform = nodePlatform()
 * const connector = wireConnector(platform, { clientId: 'reports' })
 * await using client = createLogClient({ platform, bootstrap: [broker.address], connector })
 * await client.describeTopics() // → new Map()
 *
 * await connector({ host: '127.0.0.1', port: 1 }) // throws CONNECTION_LOST
 * ```
 */
export function wireConnector(
  platform: Pick<Platform, 'sockets' | 'timers' | 'random'>,
  options: WireOptions,
): Connector {
  const { clientId, requestTimeoutMs = 30_000, maxFrameBytes = 100 * 1024 * 1024 } = options
  const settings = { clientId, requestTimeoutMs, maxFrameBytes }
  return async address => {
    const socket = await connectInTime(platform, address, options.tls, requestTimeoutMs)
    const connection = new WireConnection(platform, socket, address, settings)
    await connection.negotiate()
    const { sasl } = options
    if (sasl !== undefined) await connection.logIn(() => logIn(sasl, connection, platform.random))
    return connection
  }
}

async function connectInTime(
  { sockets, timers }: Pick<Platform, 'sockets' | 'timers'>,
  address: Address,
  tls: ClientTls | undefined,
  timeoutMs: number,
): Promise<Socket> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = timers.schedule(timeoutMs, () =>
    reject(lost(`${address.host}:${address.port} could not be reached within ${timeoutMs} ms.`)),
  )
  const opening = sockets.connect(address, tls)
  try {
    return await Promise.race([opening, late])
  } catch (error) {
    // If it opens after all, nobody wants it any more.
    opening.then(
      socket => socket.destroy(),
      () => undefined,
    )
    throw error
  } finally {
    timer.cancel()
  }
}

const lost = (message: string, cause?: unknown): MillraceError =>
  new MillraceError('CONNECTION_LOST', message, { cause })

const asFailure = (error: unknown): MillraceError =>
  error instanceof MillraceError ? error : lost('The login could not be repeated.', error)

/** What a login is made of. */
const loginApis: ReadonlySet<number> = new Set([saslHandshake.key, saslAuthenticate.key])

/** After so much of its time a session is renewed: enough is left for a slow broker. */
const SESSION_PART = 0.85

interface Pending {
  readonly correlationId: number
  /** Decodes the frame; throws PROTOCOL_ERROR when it cannot. */
  readonly answer: (frame: Buffer) => void
  readonly reject: (error: Error) => void
  readonly timer: Timer
}

type VersionRanges = ReadonlyMap<number, { minVersion: number; maxVersion: number }>

type WireSettings = Required<Omit<WireOptions, 'tls' | 'sasl'>>

class WireConnection implements Connection {
  readonly #timers: Platform['timers']
  readonly #socket: Socket
  readonly #broker: string
  readonly #settings: WireSettings
  readonly #frames: FrameSplitter
  readonly #pending: Pending[] = []
  readonly #closed: Promise<void>
  #versions: VersionRanges = new Map()
  #nextCorrelationId = 0
  /** The next login on this connection, while which no other request may be sent. */
  #loggingIn: Promise<void> | null = null
  #nextLogin: Timer | undefined
  #end: MillraceError | undefined

  constructor(
    platform: Pick<Platform, 'timers'>,
    socket: Socket,
    address: Address,
    settings: WireSettings,
  ) {
    this.#timers = platform.timers
    this.#socket = socket
    this.#broker = `${address.host}:${address.port}`
    this.#settings = settings
    this.#frames = new FrameSplitter(settings.maxFrameBytes)
    this.#closed = new Promise(resolve => {
      socket.handle({
        data: bytes => this.#receive(bytes),
        closed: cause => {
          this.#fail(lost(`The connection to ${this.#broker} was closed.`, cause))
          resolve()
        },
      })
    })
  }

  async request<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
    options: RequestOptions = {},
  ): Promise<Response> {
    while (this.#loggingIn !== null && !loginApis.has(api.key)) await this.#loggingIn
    const offered = this.#versions.get(api.key)
    const version = Math.min(offered?.maxVersion ?? -1, api.maxVersion)
    if (offered === undefined || version < Math.max(offered.minVersion, api.minVersion)) {
      const theirs =
        offered === undefined ? 'none of it' : `${offered.minVersion} to ${offered.maxVersion}`
      throw new MillraceError(
        'LOG_ERROR',
        `The broker ${this.#broker} is too old or too new: of the request ${api.name}, Millrace ` +
          `speaks versions ${api.minVersion} to ${api.maxVersion}, the broker ${theirs}.`,
      )
    }
    return this.#send(api, version, body, options.waitMs ?? 0, frame =>
      decodeResponse(api, version, frame),
    )
  }

  /** Learns the broker's version ranges; closes the connection when that fails. */
  async negotiate(): Promise<void> {
    try {
      let answer = await this.#askVersions(firstTriedVersion)
      if (answer.errorCode === errorCode.UNSUPPORTED_VERSION) {
        const range = answer.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)
        answer = await this.#askVersions(Math.min(range?.maxVersion ?? 0, firstTriedVersion))
      }
      if (answer.errorCode !== errorCode.NONE) {
        throw new MillraceError(
          'PROTOCOL_ERROR',
          `The broker ${this.#broker} refused to tell its versions: ${errorName(answer.errorCode)}.`,
        )
      }
      this.#versions = new Map(answer.apiKeys.map(range => [range.apiKey, range]))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Logs in now, and again before the broker stops to believe it; until it is done, requests wait. `login` resolves with
   * how long in milliseconds the broker believes it, 0 for ever. Closes the connection when it fails.
   */
  async logIn(login: () => Promise<number>): Promise<void> {
    try {
      const lifetimeMs = await login()
      if (lifetimeMs <= 0 || this.#end !== undefined) return
      this.#nextLogin = this.#timers.schedule(lifetimeMs * SESSION_PART, () => {
        const again = this.logIn(login).catch((error: unknown) => this.#fail(asFailure(error)))
        this.#loggingIn = again.finally(() => (this.#loggingIn = null))
      })
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** A broker that does not know the version answers with the layout of version 0 (KIP-511). */
  #askVersions(version: number): Promise<Infer<typeof apiVersions.response>> {
    return this.#send(apiVersions, version, software, 0, frame => {
      const refused = frame.length >= 6 && frame.readInt16BE(4) === errorCode.UNSUPPORTED_VERSION
      return decodeResponse(apiVersions, refused ? 0 : version, frame)
    })
  }

  #send<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    body: Request,
    waitMs: number,
    decode: (frame: Buffer) => Response,
  ): Promise<Response> {
    if (this.#end !== undefined) return Promise.reject(this.#end)
    const correlationId = this.#nextCorrelationId
    this.#nextCorrelationId = (correlationId + 1) & 0x7fff_ffff
    const { clientId, requestTimeoutMs } = this.#settings
    const frame = encodeRequest(api, version, { correlationId, clientId }, body)
    return new Promise((resolve, reject) => {
      const limitMs = requestTimeoutMs + waitMs
      const timer = this.#timers.schedule(limitMs, () =>
        this.#fail(
          lost(
            `The broker ${this.#broker} did not answer ${api.name} within ${limitMs} ms; ` +
              'the connection was closed.',
          ),
        ),
      )
      const answer = (response: Buffer): void => resolve(decode(response))
      this.#pending.push({ correlationId, answer, reject, timer })
      this.#socket.write(frame)
    })
  }

  #receive(bytes: Buffer): void {
    if (this.#end !== undefined) return
    try {
      for (const frame of this.#frames.push(bytes)) this.#settle(frame)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#fail(error)
    }
  }

  #settle(frame: Buffer): void {
    const correlationId = responseCorrelationId(frame)
    const request = this.#pending[0]
    if (request?.correlationId !== correlationId) {
      const expected = request === undefined ? 'none' : `request ${request.correlationId}`
      throw new MillraceError(
        'PROTOCOL_ERROR',
        `The broker ${this.#broker} answered request ${correlationId} while ${expected} was due.`,
      )
    }
    request.answer(frame)
    request.timer.cancel()
    this.#pending.shift()
  }

  #fail(error: MillraceError): void {
    if (this.#end !== undefined) return
    this.#end = error
    this.#nextLogin?.cancel()
    for (const { timer, reject } of this.#pending.splice(0)) {
      timer.cancel()
      reject(error)
    }
    this.#socket.destroy()
  }

  close(): Promise<void> {
    this.#fail(lost(`The connection to ${this.#broker} was closed by this client.`))
    return this.#closed
  }
}
