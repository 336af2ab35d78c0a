/** CRC-32C (Castagnoli) of the bytes as an unsigned number; the checksum of record batches. */
export { crc32c } from '@platformatic/wasm-utils'
