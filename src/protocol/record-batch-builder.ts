import { compress } from './compression.ts'
import type { CompressionCodec } from './compression.ts'
import { codecIds } from './compression.ts'
import { writeInt64 } from './int64.ts'
import { currentMagic, headerBytes, stampCrc } from './record-batch.ts'
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface BuildOptions {
  /** @defaultValue 'none' */
  readonly codec?: CompressionCodec
  /** @defaultValue 0 */
  readonly baseOffset?: number
}

/**
 * Collects the records of one batch, encoding each straight into one growing buffer. The bytes of keys and values are
 * copied by `append`, so the caller may reuse its buffers. Kafka: MemoryRecordsBuilder.
 */
export class RecordBatchBuilder {
  /** Records so far. */
  recordCount = 0
  private buffer: Buffer
  private at = headerBytes
  private baseTimestamp = 0
  private maxTimestamp = 0

  /** `capacity`: bytes to reserve at first. */
  constructor(capacity = 4096) {
    this.buffer = Buffer.allocUnsafe(Math.max(capacity, headerBytes))
  }

  /** Size of the batch so far, uncompressed. */
  get sizeInBytes(): number {
    return this.at
  }

  /** Adds a record. `timestamp`: milliseconds since the epoch, a safe integer. */
  append(
    key: Buffer | null,
    value: Buffer | null,
    timestamp: number,
    headers: readonly RecordHeader[],
  ): void {
    if (this.recordCount === 0) {
      this.baseTimestamp = timestamp
      this.maxTimestamp = timestamp
    } else if (timestamp > this.maxTimestamp) {
      this.maxTimestamp = timestamp
    }
    const timestampDelta = timestamp - this.baseTimestamp
    const offsetDelta = this.recordCount
    const keyLength = key === null ? -1 : key.length
    const valueLength = value === null ? -1 : value.length
    const bodySize =
      1 +
      varlongSize(timestampDelta) +
      varintSize(offsetDelta) +
      varintSize(keyLength) +
      varintSize(valueLength) +
      (keyLength > 0 ? keyLength : 0) +
      (valueLength > 0 ? valueLength : 0) +
      (headers.length === 0 ? 1 : headersSize(headers))
    this.reserve(bodySize + 5)

    const target = this.buffer
    let at = writeVarint(target, bodySize, this.at)
    target[at++] = 0
    at = writeVarlong(target, timestampDelta, at)
    at = writeVarint(target, offsetDelta, at)
    at = writeVarint(target, keyLength, at)
    if (key !== null) at = copyInto(target, key, at)
    at = writeVarint(target, valueLength, at)
    if (value !== null) at = copyInto(target, value, at)
    if (headers.length === 0) target[at++] = 0
    else at = writeHeaders(target, headers, at)
    this.at = at
    this.recordCount++
  }

  /**
   * The finished batch, without producer fields and with leader epoch -1, in a buffer of its own. The builder keeps
   * its records: `reset` empties it.
   */
  build(options: BuildOptions = {}): Buffer {
    const codec = options.codec ?? 'none'
    const records = this.buffer.subarray(headerBytes, this.at)
    const content = codec === 'none' ? records : compress(codec, records)
    const batch = Buffer.allocUnsafe(headerBytes + content.length)
    batch.set(content, headerBytes)
    writeInt64(batch, options.baseOffset ?? 0, 0)
    batch.writeInt32BE(batch.length - 12, 8)
    batch.writeInt32BE(-1, 12)
    batch.writeInt8(currentMagic, 16)
    batch.writeInt16BE(codecIds[codec], 21)
    batch.writeInt32BE(this.recordCount - 1, 23)
    writeInt64(batch, this.baseTimestamp, 27)
    writeInt64(batch, this.maxTimestamp, 35)
    writeInt64(batch, -1, 43)
    batch.writeInt16BE(-1, 51)
    batch.writeInt32BE(-1, 53)
    batch.writeInt32BE(this.recordCount, 57)
    stampCrc(batch)
    return batch
  }

  /** Starts the next batch in the same memory. */
  reset(): void {
    this.recordCount = 0
    this.at = headerBytes
  }

  private reserve(length: number): void {
    const needed = this.at + length
    if (needed <= this.buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(grown, 0, 0, this.at)
    this.buffer = grown
  }
}

/** Below this, a loop beats the call into the runtime that copies memory. */
const shortCopyBytes = 24

function copyInto(target: Buffer, source: Buffer, at: number): number {
  const length = source.length
  if (length > shortCopyBytes) target.set(source, at)
  else for (let i = 0; i < length; i++) target[at + i] = source[i] ?? 0
  return at + length
}

function headersSize(headers: readonly RecordHeader[]): number {
  let size = varintSize(headers.length)
  for (const { key, value } of headers) {
    const keyLength = Buffer.byteLength(key)
    size += varintSize(keyLength) + keyLength
    size += value === null ? 1 : varintSize(value.length) + value.length
  }
  return size
}

function writeHeaders(target: Buffer, headers: readonly RecordHeader[], start: number): number {
  let at = writeVarint(target, headers.length, start)
  for (const { key, value } of headers) {
    at = writeVarint(target, Buffer.byteLength(key), at)
    at += target.write(key, at)
    at = writeVarint(target, value === null ? -1 : value.length, at)
    if (value !== null) at = copyInto(target, value, at)
  }
  return at
}
