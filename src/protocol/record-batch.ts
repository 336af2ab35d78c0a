import { crc32c } from './crc32c.ts'
import { readInt64, writeInt64 } from './int64.ts'

/**
 * Record batch, format v2: the unit in which records travel and are stored. These functions read and stamp the header
 * of the batch that starts at `at` in a buffer; the caller has made sure that `headerBytes` are there. Numbers are
 * big-endian:
 *
 * ```
 *  0 baseOffset i64          23 lastOffsetDelta i32     53 baseSequence i32
 *  8 batchLength i32         27 baseTimestamp i64       57 recordCount i32
 * 12 partitionLeaderEpoch    35 maxTimestamp i64        61 records
 * 16 magic i8                43 producerId i64
 * 17 crc u32                 51 producerEpoch i16
 * 21 attributes i16          crc covers attributes to the end
 * ```
 *
 * Kafka: DefaultRecordBatch.
 */
export const headerBytes = 61

/** Bytes before and including the length field: what must be there to know a batch's size. */
const sizePrefixBytes = 12

export const currentMagic = 2

/** What bits of the attributes mean. Bits 0 to 2 are the compression codec. */
export const attributeBit = {
  codecs: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  /** `baseTimestamp` is the time from which compaction may remove the batch's tombstones. */
  deleteHorizon: 0x40,
} as const

export const baseOffset = (batch: Buffer, at = 0): number => readInt64(batch, at)
/** Size of the whole batch, taken from its length field. */
export const sizeInBytes = (batch: Buffer, at = 0): number => batch.readInt32BE(at + 8) + 12
export const partitionLeaderEpoch = (batch: Buffer, at = 0): number => batch.readInt32BE(at + 12)
export const magic = (batch: Buffer, at = 0): number => batch.readInt8(at + 16)
export const crc = (batch: Buffer, at = 0): number => batch.readUInt32BE(at + 17)
export const attributes = (batch: Buffer, at = 0): number => batch.readInt16BE(at + 21)
export const lastOffsetDelta = (batch: Buffer, at = 0): number => batch.readInt32BE(at + 23)
export const baseTimestamp = (batch: Buffer, at = 0): number => readInt64(batch, at + 27)
export const maxTimestamp = (batch: Buffer, at = 0): number => readInt64(batch, at + 35)
/** -1n when the batch has no producer. */
export const producerId = (batch: Buffer, at = 0): bigint => batch.readBigInt64BE(at + 43)
export const producerEpoch = (batch: Buffer, at = 0): number => batch.readInt16BE(at + 51)
export const baseSequence = (batch: Buffer, at = 0): number => batch.readInt32BE(at + 53)
export const recordCount = (batch: Buffer, at = 0): number => batch.readInt32BE(at + 57)

/** The offset after the batch. It survives compaction, which removes records but keeps the last offset. */
export const nextOffset = (batch: Buffer, at = 0): number =>
  baseOffset(batch, at) + lastOffsetDelta(batch, at) + 1
export const isControl = (batch: Buffer, at = 0): boolean =>
  (attributes(batch, at) & attributeBit.control) !== 0
export const isTransactional = (batch: Buffer, at = 0): boolean =>
  (attributes(batch, at) & attributeBit.transactional) !== 0
export const isLogAppendTime = (batch: Buffer, at = 0): boolean =>
  (attributes(batch, at) & attributeBit.logAppendTime) !== 0
/** From when on compaction may remove the batch's tombstones, in milliseconds since the epoch; -1 when that is open. */
export const deleteHorizon = (batch: Buffer, at = 0): number =>
  (attributes(batch, at) & attributeBit.deleteHorizon) === 0 ? -1 : baseTimestamp(batch, at)
/** Number of the compression codec; see `compression.ts`. */
export const codecId = (batch: Buffer, at = 0): number =>
  attributes(batch, at) & attributeBit.codecs

/** Not covered by the checksum: the broker assigns offsets without touching what the producer sent. */
export function setBaseOffset(batch: Buffer, offset: number, at = 0): void {
  writeInt64(batch, offset, at)
}

/** Not covered by the checksum. */
export function setPartitionLeaderEpoch(batch: Buffer, epoch: number, at = 0): void {
  batch.writeInt32BE(epoch, at + 12)
}

export interface ProducerStamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional?: boolean
}

/** Makes the batch one of an idempotent or transactional producer; recomputes the checksum. */
export function stampProducer(batch: Buffer, stamp: ProducerStamp, at = 0): void {
  const flags = attributes(batch, at) & ~attributeBit.transactional
  const transactional = stamp.isTransactional === true ? attributeBit.transactional : 0
  batch.writeInt16BE(flags | transactional, at + 21)
  batch.writeBigInt64BE(stamp.producerId, at + 43)
  batch.writeInt16BE(stamp.producerEpoch, at + 51)
  batch.writeInt32BE(stamp.baseSequence, at + 53)
  stampCrc(batch, at)
}

/**
 * Says that what follows the header, up to the end of the buffer, are the records in the codec of this number; recomputes
 * length and checksum.
 */
export function setCodec(batch: Buffer, codec: number): void {
  batch.writeInt32BE(batch.length - sizePrefixBytes, 8)
  batch.writeInt16BE((attributes(batch) & ~attributeBit.codecs) | codec, 21)
  stampCrc(batch)
}

/** Gives all records of the batch the broker's time (milliseconds since the epoch); recomputes the checksum. */
export function stampLogAppendTime(batch: Buffer, timestamp: number, at = 0): void {
  batch.writeInt16BE(attributes(batch, at) | attributeBit.logAppendTime, at + 21)
  writeInt64(batch, timestamp, at + 35)
  stampCrc(batch, at)
}

/** Recomputes the checksum after a change to the header behind it. */
export function stampCrc(batch: Buffer, at = 0): void {
  batch.writeUInt32BE(computeCrc(batch, at), at + 17)
}

/** Checksum of the bytes as they are. */
function computeCrc(batch: Buffer, at = 0): number {
  return crc32c(batch.subarray(at + 21, at + sizeInBytes(batch, at)))
}

export interface BatchProblem {
  /** `incomplete`: the buffer ends before the batch does, which a torn write and a cut fetch look like. */
  readonly kind: 'incomplete' | 'size' | 'magic' | 'crc' | 'count'
  /** What is wrong, as the middle of a sentence. */
  readonly text: string
}

/**
 * Checks the batch that should start at `at`, trusting nothing: that it is all there and of format v2, that its bytes
 * have the checksum it names (left out with `isChecked`, for bytes that had it before), and that its counts make sense.
 * Records are not decoded. Null when all is well.
 */
export function checkBatch(buffer: Buffer, at = 0, isChecked = false): BatchProblem | null {
  const available = buffer.length - at
  if (available < sizePrefixBytes) {
    return { kind: 'incomplete', text: `only ${available} bytes are there` }
  }
  const size = sizeInBytes(buffer, at)
  if (size < headerBytes) return { kind: 'size', text: `it claims a size of ${size} bytes` }
  if (size > available) {
    return { kind: 'incomplete', text: `it claims ${size} bytes, ${available} are there` }
  }
  if (magic(buffer, at) !== currentMagic) {
    return { kind: 'magic', text: `its format version is ${magic(buffer, at)}, not 2` }
  }
  const computed = isChecked ? crc(buffer, at) : computeCrc(buffer, at)
  if (computed !== crc(buffer, at)) {
    return { kind: 'crc', text: `its checksum is ${hex(computed)}, not ${hex(crc(buffer, at))}` }
  }
  const count = recordCount(buffer, at)
  const delta = lastOffsetDelta(buffer, at)
  if (count < 0 || delta < 0 || count > delta + 1) {
    return { kind: 'count', text: `it claims ${count} records over ${delta + 1} offsets` }
  }
  const first = baseOffset(buffer, at)
  if (!Number.isSafeInteger(first) || first < 0) {
    return { kind: 'count', text: `its first offset is ${first}` }
  }
  return null
}

/** Length of the leading part of the buffer that consists of whole batches; a fetch may cut off its last one. */
export function wholeBatchesLength(buffer: Buffer): number {
  let at = 0
  while (buffer.length - at >= headerBytes) {
    const size = sizeInBytes(buffer, at)
    if (size < headerBytes || size > buffer.length - at) break
    at += size
  }
  return at
}

const hex = (value: number): string => value.toString(16).padStart(8, '0')
