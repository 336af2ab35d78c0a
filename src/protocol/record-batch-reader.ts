import { MillraceError } from '../errors.ts'
import { codecOf, decompress } from './compression.ts'
import type { CompressionCodec } from './compression.ts'
import * as batch from './record-batch.ts'
import type { RecordHeader } from './record-batch-builder.ts'

export interface RecordReaderOptions {
  /** Compares each batch with its checksum. Off for bytes that were just checked. @defaultValue true */
  readonly checkCrc?: boolean
  /** Largest decompressed batch to accept. @defaultValue 128 MiB */
  readonly maxDecompressedBytes?: number
  /**
   * Gives timestamps beyond 2^53, which Apache Kafka takes from producers, as numbers that are not safe integers, instead of
   * calling the batch damaged. @defaultValue false
   */
  readonly anyTimestamp?: boolean
}

/**
 * A cursor over the records of several batches that lie one behind the other, as a fetch returns them. `next` moves to
 * the next record and says whether there was one; the record is then in the fields, until the next call. Nothing is
 * created per record: key, value and headers become objects only when they are asked for, and then each time.
 *
 * Batches without records are passed over, an incomplete one at the end is left alone (brokers may cut a fetch there).
 * Control batches are returned like others: look at `isControl`. What is damaged throws CORRUPT_DATA naming the offset.
 */
export class RecordReader {
  offset = 0
  /** Milliseconds since the epoch; the broker's own time if the batch says so. */
  timestamp = 0

  isControl = false
  isTransactional = false
  /** -1n when the batch has no producer. */
  producerId = -1n
  producerEpoch = -1
  partitionLeaderEpoch = -1

  /** See `RecordReaderOptions`. */
  maxDecompressedBytes: number
  private readonly checkCrc: boolean
  private readonly anyTimestamp: boolean
  private batches: Buffer = noBytes
  private nextBatchAt = 0
  /** What holds the records of the current batch: `batches` itself, or its decompressed content. */
  private content: Buffer = noBytes
  private at = 0
  private end = 0
  private recordsLeft = 0
  private baseOffset = 0
  private baseTimestamp = 0
  /** -1 when each record has its own time. */
  private appendTime = -1

  private recordAt = 0
  private keyAt = 0
  private keyLength = -1
  private valueAt = 0
  private valueLength = -1
  private recordEnd = 0

  constructor(options: RecordReaderOptions = {}) {
    this.checkCrc = options.checkCrc ?? true
    this.anyTimestamp = options.anyTimestamp ?? false
    this.maxDecompressedBytes = options.maxDecompressedBytes ?? 128 * 1024 * 1024
  }

  /** Starts over with other batches. */
  reset(batches: Buffer): void {
    this.batches = batches
    this.nextBatchAt = 0
    this.recordsLeft = 0
    this.content = noBytes
    this.at = 0
    this.end = 0
  }

  next(): boolean {
    while (this.recordsLeft === 0) {
      if (this.at !== this.end) this.damaged('bytes are left after its last record')
      if (!this.openBatch()) return false
    }
    this.recordsLeft--
    const length = this.varint()
    const start = this.at
    if (length < 0 || length > this.end - start) this.damaged(`a record claims ${length} bytes`)
    const recordEnd = start + length
    this.recordEnd = recordEnd
    this.recordAt = start
    this.at = start + 1
    const timestampDelta = this.varlong()
    this.timestamp = this.appendTime === -1 ? this.baseTimestamp + timestampDelta : this.appendTime
    this.offset = this.baseOffset + this.varint()

    this.keyLength = this.varint()
    this.keyAt = this.at
    if (this.keyLength > 0) this.at += this.keyLength
    // Past the record's end already: no position behind may be used.
    if (this.at > recordEnd) this.damaged('a record is shorter than its key')
    this.valueLength = this.varint()
    this.valueAt = this.at
    if (this.valueLength > 0) this.at += this.valueLength
    if (this.at >= recordEnd) this.damaged('a record is shorter than its value')
    this.at = recordEnd
    return true
  }

  /** The record as it is encoded in the batch, without the length before it. A view, not a copy. */
  get encoded(): Buffer {
    return this.content.subarray(this.recordAt, this.recordEnd)
  }

  /** A view, not a copy. */
  get key(): Buffer | null {
    if (this.keyLength < 0) return null
    return this.content.subarray(this.keyAt, this.keyAt + this.keyLength)
  }

  /** A view, not a copy. */
  get value(): Buffer | null {
    if (this.valueLength < 0) return null
    return this.content.subarray(this.valueAt, this.valueAt + this.valueLength)
  }

  get headers(): readonly RecordHeader[] {
    const after = this.at
    this.at = this.valueAt + Math.max(this.valueLength, 0)
    const headers: RecordHeader[] = []
    for (let left = this.varint(); left > 0; left--) {
      const key = this.headerPart()
      if (key === null) this.damaged('a header has no key')
      headers.push({ key: key.toString(), value: this.headerPart() })
    }
    if (this.at !== this.recordEnd) this.damaged('a record does not end with its headers')
    this.at = after
    return headers
  }

  /** Throws CORRUPT_DATA unless the headers can be decoded and end with the record. */
  checkHeaders(): void {
    const at = this.valueAt + Math.max(this.valueLength, 0)
    const hasNone = this.content[at] === 0 && at + 1 === this.recordEnd
    if (!hasNone) void this.headers
  }

  private headerPart(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    if (length > this.recordEnd - start) this.damaged('a header is longer than its record')
    this.at = start + length
    return this.content.subarray(start, this.at)
  }

  /** Makes the next batch the current one; false when no whole one is left. */
  private openBatch(): boolean {
    const { batches, nextBatchAt: at } = this
    if (batches.length - at < batch.headerBytes) return false
    const size = batch.sizeInBytes(batches, at)
    if (size > batches.length - at) return false
    this.baseOffset = batch.baseOffset(batches, at)
    if (size < batch.headerBytes) this.damaged(`it claims a size of ${size} bytes`)
    if (batch.magic(batches, at) !== batch.currentMagic) {
      this.damaged(`its format version is ${batch.magic(batches, at)}, not 2`)
    }
    const problem = this.checkCrc ? batch.checkBatch(batches, at) : null
    if (problem !== null) this.damaged(problem.text)
    this.nextBatchAt = at + size

    this.recordsLeft = Math.max(batch.recordCount(batches, at), 0)
    this.isControl = batch.isControl(batches, at)
    this.isTransactional = batch.isTransactional(batches, at)
    this.producerId = batch.producerId(batches, at)
    this.producerEpoch = batch.producerEpoch(batches, at)
    this.partitionLeaderEpoch = batch.partitionLeaderEpoch(batches, at)
    this.baseTimestamp = batch.baseTimestamp(batches, at)
    this.appendTime = batch.isLogAppendTime(batches, at) ? batch.maxTimestamp(batches, at) : -1

    this.content = batches
    this.at = at + batch.headerBytes
    this.end = at + size
    const codec = codecOf(batch.codecId(batches, at))
    if (codec === undefined) this.damaged('its compression codec is unknown')
    if (codec !== 'none') {
      this.content = this.decompressed(codec)
      this.at = 0
      this.end = this.content.length
    }
    return true
  }

  private decompressed(codec: CompressionCodec): Buffer {
    if (this.recordsLeft === 0) return noBytes
    const compressed = this.content.subarray(this.at, this.end)
    try {
      return decompress(codec, compressed, this.maxDecompressedBytes)
    } catch (cause) {
      throw this.damage(cause instanceof Error ? cause.message : String(cause), cause)
    }
  }

  /**
   * A zigzag varint of 32 bits. Runs off the end of the buffer as zeros; whoever calls compares the position with the
   * end of the record afterwards.
   */
  private varint(): number {
    const { content } = this
    let byte = content[this.at++] ?? 0
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) this.damaged('a number is longer than 32 bits')
      byte = content[this.at++] ?? 0
      value |= (byte & 0x7f) << shift
    }
    return (value >>> 1) ^ -(value & 1)
  }

  /** A zigzag varint of 64 bits, of which timestamps are made. */
  private varlong(): number {
    const { content } = this
    let byte = content[this.at++] ?? 0
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    // Seven-bit groups into halves of 28 and 36 bits, both exact as doubles.
    let low = byte & 0x7f
    let high = 0
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 63) this.damaged('a number is longer than 64 bits')
      byte = content[this.at++] ?? 0
      if (shift < 28) low |= (byte & 0x7f) << shift
      else high += (byte & 0x7f) * 2 ** (shift - 28)
    }
    const negative = (low & 1) === 1
    const half = high * 0x800_0000 + (low >>> 1)
    const value = negative ? -half - 1 : half
    if (!Number.isSafeInteger(value) && !this.anyTimestamp)
      this.damaged('a timestamp is beyond what is exact (2^53)')
    return value
  }

  private damaged(problem: string): never {
    throw this.damage(problem)
  }

  private damage(problem: string, cause?: unknown): MillraceError {
    return new MillraceError(
      'CORRUPT_DATA',
      `The record batch at offset ${this.baseOffset} is damaged: ${problem}.`,
      { cause },
    )
  }
}

const noBytes = Buffer.alloc(0)
