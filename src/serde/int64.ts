const high = 0x1_0000_0000

/**
 * Big-endian int64 in two halves of 32 bits: a record's numbers are safe integers, and a bigint for each of them would
 * cost more than the rest of the serde.
 */
export function writeInt64(target: Buffer, value: number, at: number): void {
  target.writeInt32BE(Math.floor(value / high), at)
  target.writeUInt32BE(value % high < 0 ? (value % high) + high : value % high, at + 4)
}

/** Throws a RangeError when the number is not a safe integer, which a JavaScript number cannot hold exactly. */
export function readInt64(source: Buffer, at: number): number {
  const value = source.readInt32BE(at) * high + source.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`The int64 ${source.readBigInt64BE(at)} is beyond 2^53 - 1`)
  }
  return value
}
