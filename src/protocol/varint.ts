/**
 * Zigzag varints of records: small numbers of either sign take few bytes. 64-bit values are handled as pairs of 32-bit
 * halves where they do not fit into one, because a bigint per record would cost more than the rest of the record.
 */

/** Bytes of the zigzag varint of a 32-bit integer. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x20_0000) return 3
  return zigzag < 0x1000_0000 ? 4 : 5
}

/** Writes a 32-bit integer at `at`, where there is room, and returns the position behind it. */
export function writeVarint(target: Buffer, value: number, at: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let position = at
  while (rest > 0x7f) {
    target[position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[position++] = rest
  return position
}

const isSmall = (value: number): boolean => value === (value | 0)

/** Bytes of the zigzag varint of a safe integer. */
export function varlongSize(value: number): number {
  if (isSmall(value)) return varintSize(value)
  const { high, low } = zigzag64(value)
  if (high === 0) return low < 0x1000_0000 ? 4 : 5
  return Math.ceil((64 - Math.clz32(high)) / 7)
}

/** Writes a safe integer at `at`, where there is room, and returns the position behind it. */
export function writeVarlong(target: Buffer, value: number, at: number): number {
  if (isSmall(value)) return writeVarint(target, value, at)
  let { high, low } = zigzag64(value)
  let position = at
  while (high !== 0 || low > 0x7f) {
    target[position++] = (low & 0x7f) | 0x80
    low = ((low >>> 7) | (high << 25)) >>> 0
    high >>>= 7
  }
  target[position++] = low
  return position
}

/** Zigzag form as two unsigned halves: 2n for n >= 0, 2(-n - 1) + 1 below. */
function zigzag64(value: number): { high: number; low: number } {
  const magnitude = value < 0 ? -(value + 1) : value
  const low = magnitude >>> 0
  const high = Math.floor(magnitude / 0x1_0000_0000)
  return {
    high: ((high << 1) | (low >>> 31)) >>> 0,
    low: ((low << 1) | (value < 0 ? 1 : 0)) >>> 0,
  }
}
