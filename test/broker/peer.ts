import { connect, type Socket } from 'node:net'
import type { Address } from '../../src/platform/platform.ts'
import { decodeResponse, encodeRequest, FrameSplitter } from '../../src/protocol/frame.ts'
import type { Api } from '../../src/protocol/schema.ts'

/** A client without manners: a socket and what comes back over it, frame by frame. */
export class Peer {
  readonly socket: Socket
  readonly closed: Promise<void>
  private readonly frames: Buffer[] = []
  private waiting: ((frame: Buffer) => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    const splitter = new FrameSplitter(200_000_000)
    socket.on('data', bytes => {
      for (const frame of splitter.push(bytes)) {
        if (this.waiting === null) this.frames.push(frame)
        else this.waiting(frame)
        this.waiting = null
      }
    })
    socket.on('error', () => {})
    this.closed = new Promise(resolve => socket.on('close', () => resolve()))
  }

  static open({ host, port }: Address): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => resolve(new Peer(socket)))
      socket.on('error', reject)
    })
  }

  /** The next frame that comes back. */
  next(): Promise<Buffer> {
    const frame = this.frames.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    return new Promise(resolve => (this.waiting = resolve))
  }

  /** Asks and waits for the answer; nothing else may be on its way. */
  async ask<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    body: Request,
  ): Promise<Response> {
    this.socket.write(encodeRequest(api, version, { correlationId: 1, clientId: 'peer' }, body))
    return decodeResponse(api, version, await this.next())
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }
}
