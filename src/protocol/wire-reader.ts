import { MillraceError } from '../errors.ts'
import { readInt64 } from './int64.ts'

/**
 * Reads values from bytes that a peer sent and that nobody has checked yet. Every length is compared with what is
 * there before anything is allocated. `what` and `field` only serve the error message: the decoder sets them as it
 * goes, which costs a store and needs no try block.
 */
export class WireReader {
  readonly buffer: Buffer
  at: number
  end: number
  /** Elements that all arrays together may still have: an element takes more memory than bytes on the wire. */
  elementsLeft = Infinity
  what = ''
  field = ''

  constructor(buffer: Buffer, at = 0, end = buffer.length) {
    this.buffer = buffer
    this.at = at
    this.end = end
  }

  get remaining(): number {
    return this.end - this.at
  }

  fail(problem: string): never {
    const where = this.field === '' ? this.what : `${this.what}, field ${this.field}`
    throw new MillraceError('PROTOCOL_ERROR', `Cannot read ${where}: ${problem}.`)
  }

  /** Takes `length` bytes and returns where they start. */
  take(length: number): number {
    const at = this.at
    if (length > this.end - at) {
      this.fail(`${length} bytes are needed at byte ${at}, ${this.end - at} are left`)
    }
    this.at = at + length
    return at
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  int64(): number {
    const at = this.take(8)
    const value = readInt64(this.buffer, at)
    if (!Number.isSafeInteger(value)) this.fail('the number is beyond what is exact (2^53)')
    return value
  }

  int64Big(): bigint {
    return this.buffer.readBigInt64BE(this.take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  bool(): boolean {
    return this.buffer.readInt8(this.take(1)) !== 0
  }

  uuid(): string {
    const at = this.take(16)
    return formatUuid(this.buffer.toString('hex', at, at + 16))
  }

  /** An unsigned varint of at most 32 bits. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.take(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    return this.fail('a varint is longer than 32 bits')
  }

  /** Length of a string, or -1 for null. */
  private stringLength(compact: boolean): number {
    return compact ? this.unsignedVarint() - 1 : this.int16()
  }

  /** Length of bytes, or count of an array, or -1 for null. */
  length(compact: boolean): number {
    return compact ? this.unsignedVarint() - 1 : this.int32()
  }

  string(compact: boolean): string | null {
    const length = this.stringLength(compact)
    if (length < 0) return length === -1 ? null : this.fail(`${length} is not a length`)
    const at = this.take(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  /** Called with the count of an array before its elements are read. */
  takeElements(count: number): void {
    if (count > this.elementsLeft) this.fail('the arrays have too many elements in all')
    this.elementsLeft -= count
  }

  /** A view, not a copy. */
  bytes(compact: boolean): Buffer | null {
    const length = this.length(compact)
    if (length < 0) return length === -1 ? null : this.fail(`${length} is not a length`)
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** Skips a tag section in which no tag is known. */
  skipTags(): void {
    const count = this.unsignedVarint()
    for (let i = 0; i < count; i++) {
      this.unsignedVarint()
      this.take(this.unsignedVarint())
    }
  }
}

function formatUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
