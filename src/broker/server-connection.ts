/**
 * One connection of a client. Responses keep the order of the requests, and requests are served one after another, as
 * Apache Kafka does, so that what an idempotent producer has in flight cannot overtake itself. One thing is faster than
 * there: a Produce whose records are appended and only not yet durable does not keep the next Produce from being
 * appended, so that one flush of the disk is for all that a producer has in flight.
 *
 * While a request waits behind another one, while the peer does not take its responses, and while connections hold too
 * much memory together, nothing more is read.
 */
import { MillraceError } from '../errors.ts'
import type { Address, Socket, Timer } from '../platform/platform.ts'
import { decodeRequestHeader, FrameSplitter } from '../protocol/frame.ts'
import { unsupportedApiVersions } from './api/18-api-versions.ts'
import { ConnectionBuffers } from './answer-buffers.ts'
import type { Frame, RequestContext } from './api/api-handler.ts'
import { handlers } from './api/index.ts'
import type { Broker } from './broker.ts'
import type { MemoryHolder } from './connection-memory.ts'
import { subjectName } from './distinguished-name.ts'
import type { ListenerCounters } from './metrics/counters.ts'
import { openAuthentication } from './security/authentication.ts'
import { anonymous, type Principal } from './security/principal.ts'
import type { SaslMechanism } from './security/sasl-exchange.ts'

export interface ServedConnection {
  /** Takes no more requests, answers those in work, and closes; resolves when it is closed. */
  end(): Promise<void>
  /** Closes at once. */
  cut(): void
  /** Closes when the peer takes too long with something. Called now and then, with the time of the monotonic clock. */
  checkTime(nowMs: number): void
}

export interface ServeConnectionOptions {
  readonly broker: Broker
  readonly socket: Socket
  /** Name of the listener that it came in through. */
  readonly listener: string
  readonly counters: ListenerCounters
  readonly advertised: () => Address
  /** How clients of the listener log in; empty when they need not. */
  readonly mechanisms: readonly SaslMechanism[]
  readonly closed: () => void
}

/** A request in work, or answered and behind others that are not. */
interface Slot {
  readonly sizeBytes: number
  /** Undefined until it is known; null for none. */
  answer: Frame | null | undefined
}

/** Bytes of responses that may wait for the peer before its next request is served. */
const MAX_OUTGOING_BYTES = 1024 * 1024
/** Most requests of one connection in work at a time. */
const MAX_IN_WORK = 64
/** How long a client may take to close a connection that the broker has ended, as after a failed login. */
const GOODBYE_MS = 5000
const API_VERSIONS = 18

export function serveConnection(options: ServeConnectionOptions): ServedConnection {
  const { broker, socket, counters } = options
  const { logger, platform, config, connectionMemory: memory } = broker
  const authentication = openAuthentication({
    ...broker,
    mechanisms: options.mechanisms,
    transportPrincipal: () => principalOf(socket),
    remote: socket.remote,
    tooLate() {
      logger.info({ remote: socket.remote }, 'A connection is closed: its client did not log in.')
      abandon()
    },
  })
  const splitter = new FrameSplitter(maxFrameBytes())
  const waiting: Buffer[] = []
  const inWork: Slot[] = []
  const buffers = new ConnectionBuffers(broker.answerBuffers)
  const connection = broker.nextConnection()
  const ended = new AbortController()
  const stop = (): void => ended.abort()
  const allClosed = Promise.withResolvers<void>()
  /** Whether what is in work lets a request of its kind begin. */
  let overlapping = false
  let ending = false
  let closed = false
  let paused = false
  let muted: Timer | undefined

  let isActive = true
  let activeMs = platform.clock.monotonic()
  let frames = 0
  let unfinished = { frames: 0, sinceMs: 0 }
  /** When the last answer was given; from then on it is the client's turn to close. */
  let lastAnswerMs = Infinity

  const holder: MemoryHolder = {
    get isKnown() {
      return authentication.isDone
    },
    requestBytes: 0,
    responseBytes: 0,
    responsesTakenMs: 0,
    readAgain: adjustReading,
    shed() {
      counters.closedSlow += 1
      logger.warn(
        { remote: socket.remote },
        'A connection is closed because responses wait for its client, and too many in all.',
      )
      abandon()
    },
  }

  broker.stopping.addEventListener('abort', stop)
  socket.handle({
    data(bytes) {
      if (closed || ending) return
      isActive = true
      memory.hold(holder, bytes.length)
      try {
        const complete = splitter.push(bytes)
        frames += complete.length
        waiting.push(...complete)
      } catch (error) {
        return drop(error)
      }
      serveWaiting()
    },
    drained() {
      isActive = true
      const { queuedBytes } = socket
      buffers.drained(queuedBytes)
      memory.noteResponses(holder, queuedBytes, platform.clock.monotonic())
      serveWaiting()
    },
    closed(error) {
      closed = true
      if (error !== undefined) logger.debug({ remote: socket.remote, error }, 'A connection broke.')
      authentication.close()
      if (authentication.hasFailed) counters.failedLogins += 1
      broker.stopping.removeEventListener('abort', stop)
      ended.abort()
      muted?.cancel()
      waiting.length = 0
      memory.forget(holder)
      options.closed()
      allClosed.resolve()
    },
  })

  function serveWaiting(): void {
    while (waiting.length > 0 && mayServe()) {
      const frame = waiting.shift()
      if (frame === undefined) break
      try {
        serve(frame)
      } catch (error) {
        return drop(error)
      }
    }
    adjustReading()
  }

  function mayServe(): boolean {
    if (closed || ending || muted !== undefined) return false
    if (socket.queuedBytes >= MAX_OUTGOING_BYTES) return false
    if (inWork.length === 0) return true
    return overlapping && inWork.length < MAX_IN_WORK && isOverlapping(waiting[0])
  }

  /** Nothing is taken from the client for so long; what is in work is answered. */
  function mute(durationMs: number): void {
    muted?.cancel()
    muted = platform.timers.schedule(durationMs, () => {
      muted = undefined
      isActive = true
      serveWaiting()
    })
  }

  function adjustReading(): void {
    if (closed || ending) return
    const mustPause = waiting.length > 0 || muted !== undefined || !memory.mayRead(holder)
    if (mustPause === paused) return
    paused = mustPause
    if (paused) socket.pause()
    else socket.resume()
  }

  function maxFrameBytes(): number {
    const { maxRequestBytes, saslServerMaxReceiveBytes } = config
    if (authentication.isDone) return maxRequestBytes
    return Math.min(maxRequestBytes, saslServerMaxReceiveBytes)
  }

  function serve(frame: Buffer): void {
    const sizeBytes = frame.length + 4
    overlapping = false
    if (authentication.expectsToken) {
      const answer = authentication.bareToken(frame)
      return accept(
        answer.then(token => token && bareFrame(token)),
        sizeBytes,
      )
    }
    const { apiKey, apiVersion, correlationId, clientId, reader } = decodeRequestHeader(frame)
    authentication.check(apiKey)
    const handler = handlers.get(apiKey)
    if (
      handler === undefined ||
      apiVersion < handler.minVersion ||
      apiVersion > handler.maxVersion
    ) {
      if (apiKey === API_VERSIONS) {
        return accept(unsupportedApiVersions(correlationId), sizeBytes)
      }
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
      principal: authentication.principal,
      authentication,
      listener: options.listener,
      advertised: options.advertised(),
      mute,
      buffers,
      cut,
      ended: ended.signal,
    }
    overlapping = handler.overlaps
    accept(handler.serveBytes(broker, reader, correlationId, context), sizeBytes)
  }

  function accept(response: Frame | null | Promise<Frame | null>, sizeBytes: number): void {
    if (inWork.length === 0 && !(response instanceof Promise)) {
      memory.release(holder, sizeBytes)
      return send(response)
    }
    const slot: Slot = { sizeBytes, answer: undefined }
    inWork.push(slot)
    if (response instanceof Promise) response.then(answer => answered(slot, answer), drop)
    else slot.answer = response
  }

  function answered(slot: Slot, answer: Frame | null): void {
    if (closed) return
    slot.answer = answer
    isActive = true
    for (let first = inWork[0]; first?.answer !== undefined; first = inWork[0]) {
      inWork.shift()
      memory.release(holder, first.sizeBytes)
      send(first.answer)
    }
    splitter.maxFrameBytes = maxFrameBytes()
    ending ||= authentication.hasFailed
    if (!ending) serveWaiting()
    else if (inWork.length === 0) sayGoodbye()
  }

  function send(response: Frame | null): void {
    if (response === null || closed) return
    socket.write(response)
    const queued = socket.queuedBytes
    buffers.handedOver(queued)
    if (queued > 0) memory.noteResponses(holder, queued, platform.clock.monotonic())
  }

  /** The peer does not follow the protocol, or a request could not be served at all: only this connection ends. */
  function drop(error: unknown): void {
    if (closed) return
    if (error instanceof MillraceError && error.code === 'PROTOCOL_ERROR') return cut(error.message)
    const fields = { remote: socket.remote, error }
    logger.error(fields, 'A connection is closed because its request failed unexpectedly.')
    abandon()
  }

  function cut(why: string): void {
    if (closed) return
    counters.closedProtocol += 1
    logger.warn({ remote: socket.remote }, `A connection is closed: ${why}`)
    abandon()
  }

  /** What the client still sends is read and dropped, because its own end comes behind it. */
  function sayGoodbye(): void {
    lastAnswerMs = platform.clock.monotonic()
    if (paused) socket.resume()
    socket.end()
  }

  function abandon(): void {
    ending = true
    socket.destroy()
  }

  function checkTime(nowMs: number): void {
    if (!closed && nowMs - lastAnswerMs >= GOODBYE_MS) socket.destroy()
    if (closed || ending) return
    const { queuedBytes } = socket
    buffers.drained(queuedBytes)
    memory.noteResponses(holder, queuedBytes, nowMs)
    if (isActive || inWork.length > 0 || muted !== undefined) {
      isActive = false
      activeMs = nowMs
    } else if (nowMs - activeMs >= config.connectionsMaxIdleMs) {
      counters.closedIdle += 1
      logger.debug({ remote: socket.remote }, 'A connection is closed because it was not used.')
      return abandon()
    }
    // A peer that is not listened to is not to blame, unless it waits for memory that such requests hold.
    const isPeersTurn = splitter.unfinishedBytes > 0 && waiting.length === 0 && muted === undefined
    if (!isPeersTurn || unfinished.frames !== frames) {
      unfinished = { frames: isPeersTurn ? frames : -1, sinceMs: nowMs }
    } else if (nowMs - unfinished.sinceMs >= config.requestReceiveTimeoutMs) {
      counters.closedUnfinished += 1
      logger.warn(
        { remote: socket.remote, receivedBytes: splitter.unfinishedBytes },
        'A connection is closed because the rest of a request did not come.',
      )
      abandon()
    }
  }

  return {
    end() {
      if (!closed && !ending) {
        ending = true
        if (inWork.length === 0) sayGoodbye()
      }
      return allClosed.promise
    },
    cut() {
      if (!closed) socket.destroy()
    },
    checkTime,
  }
}

/** Whether the request may begin while others of its kind wait to become durable. */
function isOverlapping(frame: Buffer | undefined): boolean {
  if (frame === undefined || frame.length < 2) return false
  return handlers.get(frame.readInt16BE(0))?.overlaps === true
}

/** The subject of its certificate, if it showed one. */
function principalOf({ peerCertificate }: Socket): Principal {
  return peerCertificate === undefined
    ? anonymous
    : { type: 'User', name: subjectName(peerCertificate) }
}

/** A token of an exchange without SaslAuthenticate: only its size stands before it. */
function bareFrame(token: Buffer): Frame {
  const size = Buffer.alloc(4)
  size.writeInt32BE(token.length)
  return [size, token]
}
