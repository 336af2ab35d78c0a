import { crc32c } from '../protocol/crc32c.ts'
import { decompressSnappy } from '../protocol/snappy.ts'

/**
 * LevelDB writes a checksum behind each block of a table, and under Node it never looks at them: damage makes rows vanish in
 * silence. This looks at them all. Format: LevelDB's `doc/table_format.md`; a table is
 *
 *     data blocks, filter, index of the filter, index of the data, footer
 *
 * where each block is followed by one byte for its compression and a masked CRC-32C over block and byte, an index leads
 * to blocks by offset and size, and the footer, 48 bytes at the end, leads to the two indexes.
 *
 * A table without a footer was still being written when the process was killed, or was truncated. The tables that are in
 * use have one.
 */
export function checkTable(table: Buffer): 'intact' | 'damaged' | 'unfinished' {
  const footerAt = table.length - footerBytes
  if (footerAt < 0 || table.readBigUInt64LE(table.length - 8) !== magic) return 'unfinished'
  try {
    const footer = new Cursor(table, footerAt)
    const filters = readBlock(table, footer.handle())
    const data = readBlock(table, footer.handle())
    for (const handle of handles(filters)) checkBlock(table, handle)
    for (const handle of handles(data)) checkBlock(table, handle)
    return 'intact'
  } catch (error) {
    if (error instanceof RangeError) return 'damaged'
    throw error
  }
}

const magic = 0xdb4775248b80fb57n
const footerBytes = 48
const maskDelta = 0xa282ead8
/** LevelDB's blocks hold 4 KiB, or one large row; the index of a table is as large as it has blocks. */
const maxIndexBytes = 64 * 1024 * 1024

interface BlockHandle {
  readonly offset: number
  readonly size: number
}

/** Throws RangeError when the block is not what was written, or lies outside of the table. */
function checkBlock(table: Buffer, { offset, size }: BlockHandle): void {
  const end = offset + size + 1
  const stored = table.readUInt32LE(end)
  const checksum = crc32c(table.subarray(offset, end))
  const masked = (((checksum >>> 15) | (checksum << 17)) + maskDelta) >>> 0
  if (stored !== masked) throw new RangeError(`the checksum of the block at ${offset} is wrong`)
}

function readBlock(table: Buffer, handle: BlockHandle): Buffer {
  checkBlock(table, handle)
  const { offset, size } = handle
  const bytes = table.subarray(offset, offset + size)
  return table[offset + size] === 0 ? bytes : decompressSnappy(bytes, maxIndexBytes)
}

/** The blocks to which an index leads. Entries share the beginnings of their keys, which do not matter here. */
function handles(index: Buffer): BlockHandle[] {
  const found: BlockHandle[] = []
  const restarts = index.readUInt32LE(index.length - 4)
  const end = index.length - 4 - 4 * restarts
  const cursor = new Cursor(index, 0)
  while (cursor.at < end) {
    cursor.varint()
    const keyBytes = cursor.varint()
    cursor.varint()
    cursor.at += keyBytes
    found.push(cursor.handle())
  }
  return found
}

class Cursor {
  at: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  handle(): BlockHandle {
    return { offset: this.varint(), size: this.varint() }
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.at++)
      value += (byte % 128) * factor
      if (byte < 128) return value
    }
  }
}
