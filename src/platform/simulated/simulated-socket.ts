import type { Address, Socket, SocketHandlers } from '../platform.ts'
import { brokenConnection } from '../socket-error.ts'
import type { Pipe } from './pipe.ts'
import { systemError } from './system-error.ts'
import type { Life, World } from './world.ts'

/** One end of a simulated connection: an incoming and an outgoing pipe. */
export class SimulatedSocket implements Socket {
  readonly remote: Address
  readonly #world: World
  readonly #life: Life
  readonly #incoming: Pipe
  readonly #outgoing: Pipe
  readonly #forget: (socket: SimulatedSocket) => void
  #handlers: SocketHandlers | undefined
  #peerEnded = false
  #destroyed = false
  #closed = false
  #failure: Error | undefined

  /** `forget` is called when the socket is closed. */
  constructor(
    world: World,
    end: { life: Life; remote: Address; incoming: Pipe; outgoing: Pipe },
    forget: (socket: SimulatedSocket) => void,
  ) {
    this.remote = end.remote
    this.#world = world
    this.#life = end.life
    this.#incoming = end.incoming
    this.#outgoing = end.outgoing
    this.#forget = forget
    this.#incoming.receiver = {
      data: bytes => this.#handlers?.data(bytes),
      end: () => this.#onPeerEnded(),
      reset: () => this.#onReset(),
    }
    this.#outgoing.sender = {
      drained: () => this.#handlers?.drained?.(),
      finished: () => this.#closeWhenDone(),
      reset: () => this.#onReset(),
    }
  }

  get queuedBytes(): number {
    return this.#outgoing.queuedBytes
  }

  handle(handlers: SocketHandlers): void {
    this.#handlers = handlers
    if (this.#closed) {
      this.#world.after(0, this.#life, () => handlers.closed(this.#failure))
    } else {
      this.#incoming.resume()
    }
  }

  write(bytes: Uint8Array | readonly Uint8Array[]): boolean {
    if (bytes instanceof Uint8Array) return this.#outgoing.write(bytes)
    let hasRoom = true
    for (const piece of bytes) hasRoom = this.#outgoing.write(piece)
    return hasRoom
  }

  pause(): void {
    this.#incoming.pause()
  }

  resume(): void {
    this.#incoming.resume()
  }

  end(): void {
    this.#outgoing.end()
  }

  /** As TCP does: a peer whose bytes were not read learns of a reset, any other of the end. */
  destroy(): void {
    if (this.#closed || this.#destroyed) return
    this.#destroyed = true
    if (this.#incoming.hasUnread) this.breakPeer()
    else {
      this.#incoming.drop()
      this.#outgoing.cut()
    }
    this.#world.after(0, this.#life, () => this.#close())
  }

  /** Breaks the connection at both ends. */
  breakBoth(): void {
    this.breakPeer()
    this.#world.after(0, this.#life, () => this.#onReset())
  }

  /** Ends the connection without a word to this end: its process is gone, or has closed it. */
  breakPeer(): void {
    this.#incoming.drop()
    this.#outgoing.stop()
    this.#outgoing.resetReceiver()
  }

  #onPeerEnded(): void {
    this.#peerEnded = true
    this.#outgoing.end()
    this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (this.#peerEnded && this.#outgoing.isFinished) this.#close()
  }

  #onReset(): void {
    this.#incoming.drop()
    this.#outgoing.stop()
    this.#close(brokenConnection(this.remote, systemError('ECONNRESET')))
  }

  #close(failure?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#failure = failure
    this.#forget(this)
    this.#handlers?.closed(failure)
  }
}
