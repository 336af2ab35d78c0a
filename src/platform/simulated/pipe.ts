import { strict as assert } from 'node:assert'
import { crc32 } from 'node:zlib'
import type { Range, SeededRandom } from './seeded-random.ts'
import type { Life, World } from './world.ts'

/** What the sockets of a simulation share. */
export interface Wire {
  readonly world: World
  readonly random: SeededRandom
  /** How long bytes are on their way. */
  readonly delayMs: Range
  /** How probable it is for each piece on its way that the connection breaks instead. */
  readonly resetChance: number
}

export interface PipeReceiver {
  data(bytes: Buffer): void
  /** Everything was received. */
  end(): void
  reset(): void
}

export interface PipeSender {
  drained(): void
  /** Everything was sent, the end too. */
  finished(): void
  reset(): void
}

/** From here on `write` asks its caller to wait, as Node's sockets do. */
const highWaterBytes = 64 * 1024

/** What the system takes from a sender before the receiver has read it. */
const windowBytes = 128 * 1024

/**
 * One direction of a connection. Bytes wait in the sender's queue, go out in pieces that join and split what was
 * written, travel in order, and wait again while the receiver has paused. A receiver begins paused.
 */
export class Pipe {
  sender: PipeSender | undefined
  receiver: PipeReceiver | undefined
  readonly #wire: Wire
  readonly #from: Life
  readonly #to: Life
  readonly #queue: { bytes: Uint8Array; sent: number; crc: number }[] = []
  #queuedBytes = 0
  #travellingBytes = 0
  #latestArrivalMs = 0
  #inbox: (Buffer | 'end')[] = []
  #sending = false
  #mustTellDrained = false
  #ending = false
  #finished = false
  #paused = true
  /** The receiver is gone: bytes vanish. */
  #dropped = false

  constructor(wire: Wire, from: Life, to: Life) {
    this.#wire = wire
    this.#from = from
    this.#to = to
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get isFinished(): boolean {
    return this.#finished
  }

  /** There are bytes that the receiver has not read. */
  get hasUnread(): boolean {
    return this.#travellingBytes > 0
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ending) return true
    if (bytes.byteLength > 0) this.#queue.push({ bytes, sent: 0, crc: crc32(bytes) })
    this.#queuedBytes += bytes.byteLength
    this.#sendSoon()
    if (this.#queuedBytes < highWaterBytes) return true
    this.#mustTellDrained = true
    return false
  }

  /** Sends what is queued, then the end. */
  end(): void {
    if (this.#ending) return
    this.#ending = true
    this.#sendSoon()
  }

  /** Sends the end instead of what is queued. */
  cut(): void {
    this.#forgetQueue()
    this.end()
  }

  /** Sends nothing any more; what is on its way may still arrive. */
  stop(): void {
    this.#forgetQueue()
    this.#ending = true
    this.#finished = true
  }

  /** Tells the receiver that the connection is broken, after some time. */
  resetReceiver(): void {
    const delayMs = this.#wire.random.within(this.#wire.delayMs)
    this.#wire.world.after(delayMs, this.#to, () => this.receiver?.reset())
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#wire.world.after(0, this.#to, () => {
      while (!this.#paused) {
        const next = this.#inbox.shift()
        if (next === undefined) break
        this.#deliver(next)
      }
    })
  }

  /** Receives nothing any more. */
  drop(): void {
    this.#dropped = true
    this.#inbox = []
    this.#travellingBytes = 0
    this.#sendSoon()
  }

  #forgetQueue(): void {
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#mustTellDrained = false
  }

  #sendSoon(): void {
    if (this.#sending) return
    this.#sending = true
    // Now and then the system is slow to send, and what is written meanwhile goes out together with it.
    const { world, random, delayMs } = this.#wire
    const waitMs = random.chance(0.2) ? random.within(delayMs) : 0
    world.after(waitMs, this.#from, () => {
      this.#sending = false
      this.#send()
    })
  }

  #send(): void {
    while (this.#queuedBytes > 0 && (this.#dropped || this.#travellingBytes < windowBytes)) {
      const piece = this.#takePiece()
      if (this.#dropped) continue
      this.#travellingBytes += piece.length
      this.#dispatch(piece)
    }
    if (this.#queuedBytes > 0) return
    if (this.#mustTellDrained) {
      this.#mustTellDrained = false
      if (!this.#ending) this.sender?.drained()
    }
    if (this.#ending && !this.#finished) {
      this.#finished = true
      this.#dispatch('end')
      this.sender?.finished()
    }
  }

  /** Everything that is queued, or often enough only a part: the receiver must not rely on the edges of writes. */
  #takePiece(): Buffer {
    const { random } = this.#wire
    const most = Math.min(this.#queuedBytes, windowBytes - this.#travellingBytes)
    const fate = random.below(10)
    const least = fate === 0 ? 1 + random.below(16) : fate < 3 ? 1 + random.below(most) : most
    const piece = Buffer.allocUnsafe(Math.min(least, most))
    let filled = 0
    while (filled < piece.length) {
      const [first] = this.#queue
      assert(first !== undefined, 'The queue holds as many bytes as it counts')
      const part = first.bytes.subarray(first.sent, first.sent + piece.length - filled)
      piece.set(part, filled)
      filled += part.length
      first.sent += part.length
      if (first.sent < first.bytes.length) break
      assert(crc32(first.bytes) === first.crc, 'Bytes do not change while a socket is sending them')
      this.#queue.shift()
    }
    this.#queuedBytes -= piece.length
    return piece
  }

  #dispatch(item: Buffer | 'end'): void {
    const { world, random, delayMs } = this.#wire
    this.#latestArrivalMs = Math.max(this.#latestArrivalMs, world.nowMs + random.within(delayMs))
    world.at(this.#latestArrivalMs, this.#to, () => {
      if (this.#dropped) return
      if (random.chance(this.#wire.resetChance)) this.#break()
      else if (this.#paused || this.#inbox.length > 0) this.#inbox.push(item)
      else this.#deliver(item)
    })
  }

  #deliver(item: Buffer | 'end'): void {
    if (item === 'end') {
      this.#wire.world.record(this.#to.machine, 'received the end')
      this.receiver?.end()
      return
    }
    this.#wire.world.record(this.#to.machine, `received ${item.length} bytes, crc ${crc32(item)}`)
    this.#travellingBytes -= item.length
    this.#sendSoon()
    this.receiver?.data(item)
  }

  #break(): void {
    this.#wire.world.record(this.#to.machine, 'connection breaks')
    this.#wire.world.after(0, this.#from, () => this.sender?.reset())
    this.receiver?.reset()
  }
}
