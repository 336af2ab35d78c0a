/**
 * Memory that connections take for what their clients sent and have not taken yet, in all. What one connection holds is
 * bounded by the largest frame; this is about many of them together.
 *
 * Requests: from half of the limit on, nothing more is read from a connection that holds more than its share, until
 * others were answered. One of those that wait goes on all the same, so that connections with an unfinished request each
 * cannot block each other for ever; it is never one that has still to log in, because nobody who has would be waited for.
 * Who holds less than its share notices nothing. (Kafka: queued.max.request.bytes.)
 *
 * Responses: as they pile up, fetches are answered with fewer records; at the limit the connection goes whose client has
 * taken nothing for the longest time. Clients that read their responses are not among them.
 */
export interface ConnectionMemoryLimits {
  readonly queuedMaxRequestBytes: number
  readonly queuedMaxResponseBytes: number
}

/** A connection as the one who holds memory. */
export interface MemoryHolder {
  /** The client is known, or need not be: until then it has nothing large to send. */
  readonly isKnown: boolean
  /** Bytes of requests that have arrived and are not answered. */
  requestBytes: number
  /** Bytes of responses that the system has not taken. */
  responseBytes: number
  /** When the system last took some of them, or the first came to be: milliseconds of the monotonic clock. */
  responsesTakenMs: number
  /** It may hold more again. */
  readAgain(): void
  /** It must go. */
  shed(): void
}

/** A fetch is never held to less than this. */
const MIN_FETCH_BYTES = 64 * 1024

export class ConnectionMemory {
  requestBytes = 0
  responseBytes = 0
  readonly #limits: ConnectionMemoryLimits
  readonly #waiting = new Set<MemoryHolder>()
  readonly #respondents = new Set<MemoryHolder>()
  #favourite: MemoryHolder | undefined
  #holders = 0

  constructor(limits: ConnectionMemoryLimits) {
    this.#limits = limits
  }

  /** Bytes of a request arrived. */
  hold(holder: MemoryHolder, bytes: number): void {
    if (holder.requestBytes === 0) this.#holders++
    holder.requestBytes += bytes
    this.requestBytes += bytes
  }

  /** A request was answered or given up. */
  release(holder: MemoryHolder, bytes: number): void {
    if (bytes === 0) return
    holder.requestBytes -= bytes
    this.requestBytes -= bytes
    if (this.#favourite === holder && !this.#isAboveShare(holder)) this.#favourite = undefined
    if (holder.requestBytes === 0) this.#holders--
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    // Those who must wait on register themselves again.
    for (const each of waiting) each.readAgain()
  }

  /** Whether more may be read from the connection; if not, it is told when to ask again. */
  mayRead(holder: MemoryHolder): boolean {
    if (this.requestBytes <= this.#limits.queuedMaxRequestBytes / 2) return true
    if (!this.#isAboveShare(holder)) return true
    if (holder.isKnown) this.#favourite ??= holder
    if (this.#favourite === holder) return true
    this.#waiting.add(holder)
    return false
  }

  #isAboveShare(holder: MemoryHolder): boolean {
    return holder.requestBytes > this.#limits.queuedMaxRequestBytes / 2 / this.#holders
  }

  /** Notes what the system has not taken of a connection's responses, and sheds connections while it is too much. */
  noteResponses(holder: MemoryHolder, bytes: number, nowMs: number): void {
    const before = holder.responseBytes
    if (bytes === before) return
    if (bytes < before || before === 0) holder.responsesTakenMs = nowMs
    this.responseBytes += bytes - before
    holder.responseBytes = bytes
    if (bytes === 0) this.#respondents.delete(holder)
    else this.#respondents.add(holder)
    while (this.responseBytes > this.#limits.queuedMaxResponseBytes) {
      let slowest: MemoryHolder | undefined
      for (const each of this.#respondents) {
        if (slowest === undefined || each.responsesTakenMs < slowest.responsesTakenMs)
          slowest = each
      }
      if (slowest === undefined) return
      this.#forgetResponses(slowest)
      slowest.shed()
    }
  }

  /** The connection is closed: what it held is free. */
  forget(holder: MemoryHolder): void {
    this.#waiting.delete(holder)
    this.#forgetResponses(holder)
    this.release(holder, holder.requestBytes)
  }

  #forgetResponses(holder: MemoryHolder): void {
    this.responseBytes -= holder.responseBytes
    holder.responseBytes = 0
    this.#respondents.delete(holder)
  }

  /** Most bytes of records that a fetch should be answered with now. */
  get fetchBytes(): number {
    const room = this.#limits.queuedMaxResponseBytes - this.responseBytes
    return Math.max(MIN_FETCH_BYTES, Math.floor(room / 2))
  }
}
