/**
 * TLS over TCP. A server's connection is handed out as soon as TCP has it, so that it counts, can be closed, and is
 * told of from its first moment on; until the handshake is over it has nothing to say.
 */
import net from 'node:net'
import tls from 'node:tls'
import { MillraceError } from '../errors.ts'
import { nodeSocket, remoteOf } from './node-socket.ts'
import type { Address, ClientTls, ServerTls, Socket, SocketHandlers } from './platform.ts'
import { brokenConnection } from './socket-error.ts'

/** How long a handshake may take, before which nothing is known about the peer. */
const handshakeTimeoutMs = 10_000
const minVersion = 'TLSv1.2'

export interface TlsServer {
  readonly server: net.Server
  readonly replaceTls: (tls: ServerTls) => void
}

/** Throws INVALID_CONFIG when key and certificates cannot be used. */
export function createTlsServer(given: ServerTls, accept: (socket: Socket) => void): TlsServer {
  const handshaking = new Map<string, TlsServerSocket>()
  const server = usable(() =>
    tls.createServer({
      ...secrets(given),
      minVersion,
      noDelay: true,
      keepAlive: true,
      requestCert: given.clientAuth !== 'none',
      rejectUnauthorized: given.clientAuth === 'required',
      handshakeTimeout: handshakeTimeoutMs,
    }),
  )
  // A connection is known by its ports: Node does not say which socket a secured one stands on.
  const keyOf = (socket: net.Socket): string =>
    `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`

  server.on('connection', raw => {
    const key = keyOf(raw)
    const socket = new TlsServerSocket(raw)
    handshaking.set(key, socket)
    raw.once('close', () => {
      if (handshaking.get(key) === socket) handshaking.delete(key)
    })
    accept(socket)
  })
  server.on('secureConnection', secured => {
    const key = keyOf(secured)
    handshaking.get(key)?.secure(secured)
    handshaking.delete(key)
  })
  server.on('tlsClientError', (error, secured) => {
    const socket = handshaking.get(keyOf(secured))
    socket?.fail(error)
    secured.destroy()
  })

  return {
    server,
    replaceTls: next => usable(() => server.setSecureContext({ ...secrets(next), minVersion })),
  }
}

/** A socket on its way to a server over TLS. */
export function openTlsSocket({ host, port }: Address, given: ClientTls): tls.TLSSocket {
  const socket = usable(() =>
    tls.connect({
      host,
      port,
      ...secrets(given),
      servername: given.serverName ?? (net.isIP(host) === 0 ? host : ''),
      minVersion,
    }),
  )
  socket.setNoDelay(true)
  socket.setKeepAlive(true)
  return socket
}

type Secrets = Pick<tls.SecureContextOptions, 'key' | 'cert' | 'ca'>

function secrets({ key, cert, ca }: ClientTls | ServerTls): Secrets {
  return {
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(ca === undefined ? {} : { ca }),
  }
}

function usable<T>(use: () => T): T {
  try {
    return use()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MillraceError(
      'INVALID_CONFIG',
      `The TLS key and certificates cannot be used (${reason}). Give a private key without a password and the ` +
        'certificate that was made for it, both as PEM.',
      { cause },
    )
  }
}

/** The server's end of a connection, first while its handshake is under way, then for what was secured. */
class TlsServerSocket implements Socket {
  readonly remote: Address
  readonly #raw: net.Socket
  #handlers: SocketHandlers | undefined
  #secured: Socket | undefined
  #failure: Error | undefined
  #paused = false

  constructor(raw: net.Socket) {
    this.remote = remoteOf(raw)
    this.#raw = raw
    raw.on('error', error => this.fail(error))
    raw.once('close', () => {
      if (this.#secured === undefined) this.#handlers?.closed(this.#failure)
    })
  }

  get peerCertificate(): Buffer | undefined {
    return this.#secured?.peerCertificate
  }

  get queuedBytes(): number {
    return this.#secured?.queuedBytes ?? 0
  }

  fail(error: Error): void {
    this.#failure ??= brokenConnection(this.remote, error)
  }

  secure(stream: tls.TLSSocket): void {
    const certificate = stream.getPeerX509Certificate()?.raw
    const secured = nodeSocket(stream, certificate)
    this.#secured = secured
    if (this.#handlers !== undefined) secured.handle(this.#handlers)
    if (this.#paused) secured.pause()
    // Where a certificate is optional, one that nobody vouches for is worse than none.
    if (certificate !== undefined && !stream.authorized) stream.destroy(stream.authorizationError)
  }

  handle(handlers: SocketHandlers): void {
    this.#handlers = handlers
    this.#secured?.handle(handlers)
  }

  /** Nobody writes to a peer that has not said anything. */
  write(bytes: Uint8Array | readonly Uint8Array[]): boolean {
    return this.#secured?.write(bytes) ?? true
  }

  pause(): void {
    this.#paused = true
    this.#secured?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#secured?.resume()
  }

  end(): void {
    if (this.#secured === undefined) this.#raw.destroy()
    else this.#secured.end()
  }

  destroy(): void {
    if (this.#secured === undefined) this.#raw.destroy()
    else this.#secured.destroy()
  }
}
