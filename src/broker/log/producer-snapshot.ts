/**
 * The file `<offset>.snapshot`: producer state as it was just before `offset`, in Apache Kafka's format, version 1
 * (Kafka: ProducerStateManager.writeSnapshot): `version i16, crc u32` (CRC-32C of all that follows), `count i32`, then
 * per entry `producerId i64, epoch i16, lastSequence i32, lastOffset i64, offsetDelta i32, timestamp i64,
 * coordinatorEpoch i32, currentTxnFirstOffset i64`. Kafka writes one entry per producer, its newest batch, and so refuses
 * an older one that the producer repeats after a restart. Here each remembered batch has an entry, the newest last: Kafka
 * takes the last entry of a producer, and nothing that was in flight at the restart is forgotten. A change of the format
 * needs a new version, read beside this one, and a golden file of each in the tests.
 */
import { crc32c } from '../../protocol/crc32c.ts'
import type { ProducerEntry, ProducerState } from './producer-state.ts'

const version = 1
const headerBytes = 10
const entryBytes = 46
const none = -1

export function encodeSnapshot(state: ProducerState): Buffer {
  const entries = [...state.entries].flatMap(entry =>
    (entry.batches.length === 0 ? [undefined] : entry.batches).map(known => ({ entry, known })),
  )
  const bytes = Buffer.alloc(headerBytes + entries.length * entryBytes)
  bytes.writeInt16BE(version, 0)
  bytes.writeInt32BE(entries.length, 6)
  entries.forEach(({ entry, known }, n) => {
    const at = headerBytes + n * entryBytes
    bytes.writeBigInt64BE(entry.producerId, at)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(known?.lastSequence ?? none, at + 10)
    bytes.writeBigInt64BE(BigInt(known?.lastOffset ?? none), at + 14)
    bytes.writeInt32BE(known === undefined ? 0 : known.lastOffset - known.baseOffset, at + 22)
    bytes.writeBigInt64BE(BigInt(entry.lastSeenMs), at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    bytes.writeBigInt64BE(BigInt(entry.transactionStart), at + 38)
  })
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  return bytes
}

/** The entries of a snapshot; undefined when the bytes are not a sound snapshot of this version. */
export function decodeSnapshot(bytes: Buffer): ProducerEntry[] | undefined {
  if (bytes.length < headerBytes || bytes.readInt16BE(0) !== version) return undefined
  if (bytes.length !== headerBytes + bytes.readInt32BE(6) * entryBytes) return undefined
  if (bytes.readUInt32BE(2) !== crc32c(bytes.subarray(6))) return undefined
  const entries = new Map<bigint, ProducerEntry>()
  for (let at = headerBytes; at < bytes.length; at += entryBytes) {
    const lastSequence = bytes.readInt32BE(at + 10)
    const lastOffset = Number(bytes.readBigInt64BE(at + 14))
    const delta = bytes.readInt32BE(at + 22)
    const firstSequence = lastSequence - delta
    const batch = {
      // Sequences wrap after 2^31 - 1; what a coordinator wrote has none.
      firstSequence:
        lastSequence < 0 ? none : firstSequence < 0 ? firstSequence + 2 ** 31 : firstSequence,
      lastSequence,
      baseOffset: lastOffset - delta,
      lastOffset,
      logAppendTime: -1,
    }
    const producerId = bytes.readBigInt64BE(at)
    const epoch = bytes.readInt16BE(at + 8)
    const before = entries.get(producerId)
    const older = before?.epoch === epoch ? before.batches : []
    entries.set(producerId, {
      producerId,
      epoch,
      batches: lastOffset < 0 ? older : [...older, batch],
      lastSeenMs: Number(bytes.readBigInt64BE(at + 26)),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      transactionStart: Number(bytes.readBigInt64BE(at + 38)),
    })
  }
  return [...entries.values()]
}
