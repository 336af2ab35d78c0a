import type { Socket, SocketHandlers } from '../../src/platform/platform.ts'
import type { Simulation } from '../../src/platform/simulated/simulation.ts'
import { decodeResponse, FrameSplitter, responseCorrelationId } from '../../src/protocol/frame.ts'
import { apis } from '../../src/protocol/messages/index.ts'

interface Asked {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
}

const API_VERSIONS = 18

/**
 * A client's end of a connection, which the broker takes for a socket: bytes go in without a network, so a million
 * requests take a minute. It knows which requests its bytes are, and holds every answer against them.
 */
export class AttackerConnection {
  isOpen = true
  /** Pieces of bytes that have been sent since the last answer. */
  unanswered = 0
  answers = 0
  readonly #simulation: Simulation
  readonly #asked: Asked[] = []
  readonly #broken: (sentence: string) => void
  /** It reads the requests as the broker must: until a frame has no possible size. */
  readonly #requests: FrameSplitter
  readonly #responses = new FrameSplitter(2 ** 31 - 1)
  readonly #onAnswer: (apiKey: number) => void
  #handlers: SocketHandlers | undefined
  #isPaused = false
  readonly socket: Socket

  constructor(options: {
    simulation: Simulation
    host: string
    maxRequestBytes: number
    broken: (sentence: string) => void
    onAnswer: (apiKey: number) => void
  }) {
    this.#simulation = options.simulation
    this.#broken = options.broken
    this.#onAnswer = options.onAnswer
    this.#requests = new FrameSplitter(options.maxRequestBytes)
    this.socket = {
      remote: { host: options.host, port: 40_000 },
      queuedBytes: 0,
      handle: handlers => (this.#handlers = handlers),
      write: bytes => this.#receive(Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes)),
      pause: () => (this.#isPaused = true),
      resume: () => (this.#isPaused = false),
      end: () => this.#closeSoon(),
      destroy: () => this.#closeSoon(),
    }
  }

  get mayTake(): boolean {
    return this.isOpen && !this.#isPaused
  }

  send(bytes: Buffer): void {
    try {
      for (const frame of this.#requests.push(bytes)) this.#note(frame)
    } catch {
      // From a frame without a possible size on, nothing is a request any more, and the broker must say so by closing.
    }
    this.unanswered += 1
    this.#handlers?.data(bytes)
  }

  /** The client goes away. */
  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#handlers?.closed()
  }

  #note(frame: Buffer): void {
    if (frame.length < 8) return
    const apiKey = frame.readInt16BE(0)
    this.#asked.push({ apiKey, version: frame.readInt16BE(2), correlationId: frame.readInt32BE(4) })
  }

  #closeSoon(): void {
    this.#simulation.after(0, () => this.close())
  }

  #receive(bytes: Buffer): boolean {
    for (const frame of this.#responses.push(bytes)) this.#check(frame)
    this.unanswered = 0
    this.answers += 1
    return true
  }

  /** An answer must be one to a request, in the order of the requests, and must be what that API answers. */
  #check(frame: Buffer): void {
    const correlationId = responseCorrelationId(frame)
    for (;;) {
      const asked = this.#asked.shift()
      if (asked === undefined) {
        this.#broken(`An answer came to a request with id ${correlationId}, which nobody sent`)
        return
      }
      // Produce without acknowledgements has no answer.
      if (asked.correlationId !== correlationId) continue
      this.#onAnswer(asked.apiKey)
      this.#decode(asked, frame)
      return
    }
  }

  #decode({ apiKey, version }: Asked, frame: Buffer): void {
    const api = apis.get(apiKey)
    const isKnown = api !== undefined && version >= api.minVersion && version <= api.maxVersion
    if (!isKnown && apiKey !== API_VERSIONS) {
      this.#broken(`API ${apiKey} version ${version} was answered, and there is no such thing`)
      return
    }
    try {
      if (api !== undefined) decodeResponse(api, isKnown ? version : 0, frame)
    } catch (error) {
      this.#broken(
        `The answer to API ${apiKey} version ${version} is not readable: ${String(error)}`,
      )
    }
  }
}
