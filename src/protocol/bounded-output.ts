/**
 * Output of a decompressor: grows with what is really produced, up to a limit, and copies from its own past. Decoded
 * here rather than in WebAssembly, whose memory never shrinks and which loses it when it stops at malformed input.
 */
export class BoundedOutput {
  private buffer: Buffer
  private length = 0
  private readonly maxBytes: number

  constructor(capacity: number, maxBytes: number) {
    this.maxBytes = maxBytes
    this.buffer = Buffer.allocUnsafe(Math.min(capacity, maxBytes))
  }

  written(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  /** Appends `length` bytes of `source` from `at`. */
  literal(source: Buffer, at: number, length: number): void {
    if (length > source.length - at) throw new RangeError('the input ends within a literal')
    const start = this.room(length)
    if (length > 32) source.copy(this.buffer, start, at, at + length)
    else for (let i = 0; i < length; i++) this.buffer[start + i] = source[at + i] ?? 0
  }

  /** Appends `length` bytes that start `distance` before the end; they may overlap what they produce. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.length) {
      throw new RangeError('a match points before the start of the output')
    }
    const start = this.room(length)
    const { buffer } = this
    const from = start - distance
    if (distance >= length && length > 32) buffer.copyWithin(start, from, from + length)
    else if (distance === 1) buffer.fill(buffer[from] ?? 0, start, start + length)
    else for (let i = 0; i < length; i++) buffer[start + i] = buffer[from + i] ?? 0
  }

  private room(length: number): number {
    const start = this.length
    const needed = start + length
    if (needed > this.buffer.length) {
      if (needed > this.maxBytes) throw new RangeError(`the output exceeds ${this.maxBytes} bytes`)
      const capacity = Math.min(Math.max(needed, this.buffer.length * 2), this.maxBytes)
      const grown = Buffer.allocUnsafe(capacity)
      this.buffer.copy(grown, 0, 0, start)
      this.buffer = grown
    }
    this.length = needed
    return start
  }
}
