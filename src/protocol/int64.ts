/**
 * Big-endian int64 as a number, in two halves of 32 bits: offsets, timestamps and sizes are safe integers, and a bigint
 * for each of them would cost more than the rest of the record.
 */
const high = 0x1_0000_0000

export function writeInt64(target: Buffer, value: number, at: number): void {
  target.writeInt32BE(Math.floor(value / high), at)
  target.writeUInt32BE(value >>> 0, at + 4)
}

/** Eight bytes of their own: a key's part or a bound, which sorts as the number does while it is not negative. */
export function int64Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  writeInt64(bytes, value, 0)
  return bytes
}

/** Numbers beyond 2^53 come out inexact: whoever reads what others wrote must check, or take `readSafeInt64`. */
export function readInt64(source: Buffer, at: number): number {
  return source.readInt32BE(at) * high + source.readUInt32BE(at + 4)
}

/** Throws a RangeError when the number is not a safe integer, which a JavaScript number cannot hold exactly. */
export function readSafeInt64(source: Buffer, at: number): number {
  const value = readInt64(source, at)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`The int64 ${source.readBigInt64BE(at)} is beyond 2^53 - 1`)
}
