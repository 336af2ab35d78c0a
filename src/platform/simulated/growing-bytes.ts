/** Bytes that grow as a file does: whatever was never written, or was cut off since, reads as zero. */
export class GrowingBytes {
  #buffer: Buffer
  #length: number

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(content)
    this.#length = content.length
  }

  get length(): number {
    return this.#length
  }

  /** A view of everything; it is valid until the next change. */
  get view(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.byteLength === 0) return
    const end = position + bytes.byteLength
    this.#reserve(end)
    this.#buffer.set(bytes, position)
    this.#length = Math.max(this.#length, end)
  }

  /** Cuts off what is beyond `length`, or appends zeros up to it. */
  resize(length: number): void {
    if (length < this.#length) this.#buffer.fill(0, length, this.#length)
    else this.#reserve(length)
    this.#length = length
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return
    const bigger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length, 1024))
    this.#buffer.copy(bigger, 0, 0, this.#length)
    this.#buffer = bigger
  }
}
