/**
 * Which bytes of a segment this process has seen with their right checksum: what was appended or scanned since the segment
 * was opened, and what was read of the rest. They are not computed again for every consumer, because it costs more than
 * the reading; consumers check them for themselves. Damage that was there at the start is found at the first read.
 */
export class CheckedBytes {
  /** From here to the end of the segment. */
  #tailFrom: number
  /** One more stretch, before the tail. */
  #from = 0
  #to = 0

  /** `unchecked`: size of the part of the file that was written before; what comes behind it is new. */
  constructor(unchecked: number) {
    this.#tailFrom = unchecked
  }

  has(from: number, to: number): boolean {
    return from >= this.#tailFrom || (from >= this.#from && to <= this.#to)
  }

  /** The bytes were read and are right. */
  add(from: number, to: number): void {
    if (this.has(from, to)) return
    if (from > this.#to || to < this.#from) {
      // Readers move forward: of two stretches the newer one is more useful.
      this.#from = from
      this.#to = to
    } else {
      this.#from = Math.min(from, this.#from)
      this.#to = Math.max(to, this.#to)
    }
    if (this.#to >= this.#tailFrom) this.#tailFrom = Math.min(this.#from, this.#tailFrom)
  }

  /** The segment ends here now, and what comes behind it is new. */
  truncate(sizeBytes: number): void {
    this.#tailFrom = Math.min(this.#tailFrom, sizeBytes)
    this.#to = Math.min(this.#to, sizeBytes)
    this.#from = Math.min(this.#from, this.#to)
  }
}
