/**
 * Memory that records are read into to be sent, used again and again. A new buffer for each would leave it to the garbage
 * collector to give it back, and that runs after every 32 MiB of them: it took more time than the fetches.
 */
export class AnswerBuffers {
  readonly #free = new Map<number, Buffer[]>()
  #freeBytes = 0

  /** A buffer of at least so many bytes, with anything in it. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < MIN_BYTES || sizeBytes > MAX_BYTES) return Buffer.allocUnsafe(sizeBytes)
    const size = 2 ** Math.ceil(Math.log2(sizeBytes))
    const found = this.#free.get(size)?.pop()
    if (found === undefined) return Buffer.allocUnsafeSlow(size)
    this.#freeBytes -= size
    return found
  }

  /** Takes back what nobody looks at any more. */
  giveBack({ buffer, byteLength: size }: Buffer): void {
    const isOurs = size >= MIN_BYTES && size <= MAX_BYTES && buffer.byteLength === size
    if (!isOurs || this.#freeBytes + size > MAX_FREE_BYTES) return
    this.#freeBytes += size
    const free = this.#free.get(size) ?? []
    this.#free.set(size, free)
    free.push(Buffer.from(buffer))
  }
}

/** What the answers of one connection are read into. */
export class ConnectionBuffers {
  readonly #all: AnswerBuffers
  #reading: Buffer[] = []
  #sending: Buffer[] = []

  constructor(all: AnswerBuffers) {
    this.#all = all
  }

  /** Memory for the answer to the request in work: at least so many bytes. */
  take(sizeBytes: number): Buffer {
    const buffer = this.#all.take(sizeBytes)
    this.#reading.push(buffer)
    return buffer
  }

  /** What was taken for this answer is not sent. */
  discard(): void {
    for (const buffer of this.#reading) this.#all.giveBack(buffer)
    this.#reading = []
  }

  /** The answer was handed to the socket. */
  handedOver(queuedBytes: number): void {
    if (this.#reading.length > 0) {
      this.#sending.push(...this.#reading)
      this.#reading = []
    }
    this.drained(queuedBytes)
  }

  /**
   * Of all answers that the socket got, the system has not taken so many bytes. An answer that is still on its way to the
   * socket does not count: others may drain in between.
   */
  drained(queuedBytes: number): void {
    if (queuedBytes > 0 || this.#sending.length === 0) return
    for (const buffer of this.#sending) this.#all.giveBack(buffer)
    this.#sending = []
  }
}

/** Node takes smaller ones from memory that they share. */
const MIN_BYTES = 16 * 1024
const MAX_BYTES = 4 * 1024 * 1024
const MAX_FREE_BYTES = 16 * 1024 * 1024
