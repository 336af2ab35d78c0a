/**
 * One connection of a client. Its requests are served one after another, as Apache Kafka does: responses keep the order
 * of the requests, and what an idempotent producer has in flight cannot overtake itself. While a request waits behind
 * another one, or while the peer does not take its responses, nothing more is read from it.
 */
import { MillraceError } from '../errors.ts'
import type { Address, Socket } from '../platform/platform.ts'
import { decodeRequestHeader, FrameSplitter } from '../protocol/frame.ts'
import { unsupportedApiVersions } from './api/18-api-versions.ts'
import type { Frame, RequestContext } from './api/api-handler.ts'
import { handlers } from './api/index.ts'
import type { Broker } from './broker.ts'
import { subjectName } from './distinguished-name.ts'
import { anonymous, type Principal } from './security/principal.ts'

export interface ServedConnection {
  /** Takes no more requests, answers the one in work, and closes; resolves when it is closed. */
  end(): Promise<void>
  /** Closes at once. */
  cut(): void
}

export interface ServeConnectionOptions {
  readonly broker: Broker
  readonly socket: Socket
  /** Name of the listener that it came in through. */
  readonly listener: string
  readonly advertised: () => Address
  readonly closed: () => void
}

/** Bytes of responses that may wait for the peer before its next request is served. */
const MAX_OUTGOING_BYTES = 1024 * 1024
const API_VERSIONS = 18

export function serveConnection(options: ServeConnectionOptions): ServedConnection {
  const { broker, socket } = options
  const { logger } = broker
  const splitter = new FrameSplitter(broker.config.maxRequestBytes)
  const waiting: Buffer[] = []
  const connection = broker.nextConnection()
  const ended = new AbortController()
  const stop = (): void => ended.abort()
  const allClosed = Promise.withResolvers<void>()
  let principal: Principal | undefined
  let busy = false
  let ending = false
  let closed = false
  let paused = false

  broker.stopping.addEventListener('abort', stop)
  socket.handle({
    data(bytes) {
      if (closed || ending) return
      try {
        waiting.push(...splitter.push(bytes))
      } catch (error) {
        return drop(error)
      }
      serveWaiting()
    },
    drained: serveWaiting,
    closed(error) {
      closed = true
      if (error !== undefined) logger.debug({ remote: socket.remote, error }, 'A connection broke.')
      broker.stopping.removeEventListener('abort', stop)
      ended.abort()
      waiting.length = 0
      options.closed()
      allClosed.resolve()
    },
  })

  function serveWaiting(): void {
    while (mayServe()) {
      const frame = waiting.shift()
      if (frame === undefined) break
      try {
        serve(frame)
      } catch (error) {
        return drop(error)
      }
    }
    const mustPause = waiting.length > 0
    if (closed || ending || mustPause === paused) return
    paused = mustPause
    if (paused) socket.pause()
    else socket.resume()
  }

  function mayServe(): boolean {
    return !busy && !closed && !ending && socket.queuedBytes < MAX_OUTGOING_BYTES
  }

  function serve(frame: Buffer): void {
    const { apiKey, apiVersion, correlationId, clientId, reader } = decodeRequestHeader(frame)
    const handler = handlers.get(apiKey)
    if (
      handler === undefined ||
      apiVersion < handler.minVersion ||
      apiVersion > handler.maxVersion
    ) {
      if (apiKey === API_VERSIONS) return send(unsupportedApiVersions(correlationId))
      throw new MillraceError(
        'PROTOCOL_ERROR',
        `The client asked for version ${apiVersion} of ${handler?.name ?? `API ${apiKey}`}, which is not served.`,
      )
    }
    const context: RequestContext = {
      version: apiVersion,
      clientId: clientId ?? '',
      clientHost: `/${socket.remote.host}`,
      connection,
      principal: (principal ??= principalOf(socket)),
      listener: options.listener,
      advertised: options.advertised(),
      ended: ended.signal,
    }
    const response = handler.serveBytes(broker, reader, correlationId, context)
    if (!(response instanceof Promise)) return send(response)
    busy = true
    response.then(answered, drop)
  }

  function answered(response: Frame | null): void {
    busy = false
    if (closed) return
    send(response)
    if (ending) socket.end()
    else serveWaiting()
  }

  function send(response: Frame | null): void {
    if (response !== null) socket.write(response)
  }

  /** The peer does not follow the protocol, or a request could not be served at all: only this connection ends. */
  function drop(error: unknown): void {
    busy = false
    if (closed) return
    const fields = { remote: socket.remote, error }
    if (error instanceof MillraceError && error.code === 'PROTOCOL_ERROR') {
      logger.warn(fields, `A connection is closed: ${error.message}`)
    } else {
      logger.error(fields, 'A connection is closed because its request failed unexpectedly.')
    }
    ending = true
    socket.destroy()
  }

  return {
    end() {
      if (!closed && !ending) {
        ending = true
        if (!busy) socket.end()
      }
      return allClosed.promise
    },
    cut() {
      if (!closed) socket.destroy()
    },
  }
}

/** The subject of its certificate, if it showed one. */
function principalOf({ peerCertificate }: Socket): Principal {
  return peerCertificate === undefined
    ? anonymous
    : { type: 'User', name: subjectName(peerCertificate) }
}
