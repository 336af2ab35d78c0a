import { crc32c } from '../protocol/crc32c.ts'
import { readInt64, writeInt64 } from '../protocol/int64.ts'

/**
 * A value as it stands in the database: CRC-32C over key and rest (uint32), event time (int64), the value's bytes; all
 * big-endian. LevelDB under Node answers a flipped bit with a wrong value, so each row is checked whenever it is read.
 * The checksum covers the key too: a value that turns up under another key is found out as well.
 */
const timestampAt = 4
const valueAt = 12

/** A row without its checksum, which `sealRow` writes when the row is about to leave for the database. */
export function newRow(value: Buffer, timestamp: number): Buffer {
  const row = Buffer.allocUnsafe(valueAt + value.length)
  writeInt64(row, timestamp, timestampAt)
  value.copy(row, valueAt)
  return row
}

export function sealRow(key: Buffer, row: Buffer): void {
  row.writeUInt32BE(checksum(key, row), 0)
}

export function isIntact(key: Buffer, row: Buffer): boolean {
  return row.length >= valueAt && row.readUInt32BE(0) === checksum(key, row)
}

export function rowTimestamp(row: Buffer): number {
  return readInt64(row, timestampAt)
}

/** A view: it shares the row's bytes. */
export function rowValue(row: Buffer): Buffer {
  return row.subarray(valueAt)
}

let scratch = Buffer.allocUnsafe(1024)

function checksum(key: Buffer, row: Buffer): number {
  const length = key.length + row.length - timestampAt
  if (length > scratch.length) scratch = Buffer.allocUnsafe(2 * length)
  key.copy(scratch, 0)
  row.copy(scratch, key.length, timestampAt)
  return crc32c(scratch.subarray(0, length))
}
