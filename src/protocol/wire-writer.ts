import { writeInt64 } from './int64.ts'

/** Bytes that are longer than this are not copied but taken as they are. */
const longBytes = 16 * 1024

/**
 * Writes values one after another, small ones into a growing buffer; long bytes, which are record batches, stay where
 * they are, and must not change. Ranges are the encoder's business.
 */
export class WireWriter {
  /** What lies before `buffer`. */
  private readonly finished: Buffer[] = []
  private finishedBytes = 0
  private buffer: Buffer
  private used = 0

  constructor(capacity = 512) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.finishedBytes + this.used
  }

  /** What was written so far; a view that later writes may leave behind, or a copy where there were long bytes. */
  written(): Buffer {
    const last = this.buffer.subarray(0, this.used)
    return this.finished.length === 0 ? last : Buffer.concat([...this.finished, last])
  }

  /** The same in pieces, none of them copied. */
  pieces(): readonly Buffer[] {
    return [...this.finished, this.buffer.subarray(0, this.used)]
  }

  /** Makes room for `length` bytes and returns where they go. */
  private room(length: number): number {
    const at = this.used
    const needed = at + length
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
      this.buffer.copy(grown, 0, 0, at)
      this.buffer = grown
    }
    this.used = needed
    return at
  }

  int8(value: number): void {
    const at = this.room(1)
    this.buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.room(2)
    this.buffer.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.room(4)
    this.buffer.writeInt32BE(value, at)
  }

  /** Overwrites an int32 that was written before any long bytes. */
  int32At(value: number, at: number): void {
    const first = this.finished[0] ?? this.buffer
    first.writeInt32BE(value, at)
  }

  int64(value: number): void {
    const at = this.room(8)
    writeInt64(this.buffer, value, at)
  }

  int64Big(value: bigint): void {
    const at = this.room(8)
    this.buffer.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    const at = this.room(8)
    this.buffer.writeDoubleBE(value, at)
  }

  unsignedVarint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      const at = this.room(1)
      this.buffer[at] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 128)
    }
    const at = this.room(1)
    this.buffer[at] = rest
  }

  /** Length of bytes or count of an array; -1 for null. */
  length32(value: number, compact: boolean): void {
    if (compact) this.unsignedVarint(value + 1)
    else this.int32(value)
  }

  string(value: string | null, compact: boolean): void {
    const length = value === null ? -1 : Buffer.byteLength(value)
    if (compact) this.unsignedVarint(length + 1)
    else this.int16(length)
    if (value === null) return
    const at = this.room(length)
    this.buffer.write(value, at, length)
  }

  bytes(value: Buffer | null, compact: boolean): void {
    this.length32(value === null ? -1 : value.length, compact)
    if (value !== null) this.raw(value)
  }

  raw(value: Buffer): void {
    if (value.length > longBytes) return this.long(value)
    const at = this.room(value.length)
    value.copy(this.buffer, at)
  }

  private long(value: Buffer): void {
    this.finished.push(this.buffer.subarray(0, this.used), value)
    this.finishedBytes += this.used + value.length
    // What comes behind a record batch is short: the rest of the same buffer will mostly do.
    this.buffer = this.buffer.subarray(this.used)
    this.used = 0
  }

  /** Sixteen bytes from their hexadecimal form with dashes. */
  uuid(value: string): void {
    const at = this.room(16)
    this.buffer.write(value.replaceAll('-', ''), at, 16, 'hex')
  }
}
