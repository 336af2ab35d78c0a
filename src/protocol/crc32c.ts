import { crc32c as checksum } from '@platformatic/wasm-utils'

/** CRC-32C (Castagnoli) of the bytes as an unsigned number; the checksum of record batches. */
export function crc32c(bytes: Uint8Array): number {
  // Its memory may have moved since the last call, which it only notices when it has bytes to copy.
  return bytes.length === 0 ? 0 : checksum(bytes)
}
