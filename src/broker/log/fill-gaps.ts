/**
 * What makes a folder that Apache Kafka wrote one of this log. Compaction there leaves gaps between the offsets of batches
 * and of segments; here every offset is accounted for, and recovery would take a batch behind a gap for a torn one and cut it
 * off with all that follows. So before recovery, as long as the folder has no checkpoint, segments with gaps are written anew
 * with batches without records in the gaps, and swapped in as compaction does it: a crash leaves the old or the new.
 *
 * A crash must not look like such a gap. Within a segment it cannot: no torn write leaves a sound batch of later offsets right
 * behind another. But it can take the end of a segment and leave the next one, so between two segments there is a gap only
 * if both have indexes and the folder its leader epochs: Kafka has them always, and here they are written when all before
 * them is durable. Anything else is recovery's.
 */
import { crc32 } from 'node:zlib'
import { MillraceError } from '../../errors.ts'
import type { OpenFile } from '../../platform/platform.ts'
import * as batch from '../../protocol/record-batch.ts'
import { RecordBatchBuilder } from '../../protocol/record-batch-builder.ts'
import { scanBatches } from './batch-scan.ts'
import { gapBatch } from './compaction/clean-batch.ts'
import { beginSwap, cleanedPath, finishSwap } from './compaction/swap.ts'
import { leaderEpochFile, offsetsOf, segmentPath } from './file-names.ts'
import type { LogFolder } from './recovery.ts'

/** Offsets that nothing stands for: from `from` to before `to`, which should stand at `position`. */
interface Gap {
  readonly position: number
  readonly from: number
  readonly to: number
  /** Of the batch behind it, or at the end of a segment of the one before it: the leader epoch is taken from there. */
  readonly neighbour: Buffer
}

interface ScannedSegment {
  readonly gaps: readonly Gap[]
  /** First offset after the segment. */
  readonly end: number
  /** Header of its last sound batch, or of that of the segments before. */
  readonly last: Buffer | undefined
}

const copyBytes = 1 << 20
const largestDelta = 0x7fff_ffff

/**
 * Fills the gaps of all segments, durably. Nobody may have the folder open. Throws CORRUPT_DATA for messages of Kafka's formats before version 2, which
 * recovery would cut off as well, and FILE_ERROR.
 */
export async function fillGaps(log: LogFolder): Promise<void> {
  const { files, folder } = log
  const names = files.list(folder)
  const bases = offsetsOf(names, 'log')
  const indexed = new Set(names.includes(leaderEpochFile) ? offsetsOf(names, 'index') : [])
  let last: Buffer | undefined
  for (const [n, base] of bases.entries()) {
    const path = segmentPath(folder, base, 'log')
    const file = files.open(path)
    let scanned: ScannedSegment
    try {
      const next = bases[n + 1] ?? -1
      const nextBase = indexed.has(base) && indexed.has(next) ? next : undefined
      scanned = scan(file, path, { base, nextBase, last })
      last = scanned.last
      if (scanned.gaps.length === 0) continue
      const [{ from, to } = { from: base, to: base }] = scanned.gaps
      log.logger.warn(
        { segment: path, gaps: scanned.gaps.length, from, to },
        `The log has no batch for the offsets from ${from} to before ${to}, and perhaps for more: where another broker has ` +
          'compacted it that is right, otherwise records are missing. Readers go on behind them.',
      )
      await writeFilled(log, base, file, scanned.gaps)
    } finally {
      file.close()
    }
    const swap = { files, folder, base, end: scanned.end }
    await beginSwap(swap)
    await finishSwap(swap)
  }
}

/** `nextBase`: where the next segment begins, if it may follow after a gap; `last`: see `ScannedSegment`. */
function scan(
  file: OpenFile,
  path: string,
  place: {
    readonly base: number
    readonly nextBase: number | undefined
    readonly last: Buffer | undefined
  },
): ScannedSegment {
  const { base, nextBase } = place
  const size = file.size()
  const gaps: Gap[] = []
  let { last } = place
  let position = 0
  let offset = base
  for (;;) {
    const end = scanBatches(file, { from: position, to: size, offset }, (buffer, at) => {
      last = Buffer.from(buffer.subarray(at, at + batch.headerBytes))
    })
    position = end.position
    offset = end.nextOffset
    if (end.problem === null) break
    const found = batchAt(file, size, position)
    if (isOldMessage(found)) throw oldFormat(path, position)
    const isBehindGap =
      batch.checkBatch(found) === null &&
      batch.baseOffset(found) > offset &&
      batch.nextOffset(found) - 1 - base <= largestDelta
    if (!isBehindGap) {
      return { gaps, end: offset, last }
    }
    const neighbour = found.subarray(0, batch.headerBytes)
    gaps.push({ position, from: offset, to: batch.baseOffset(found), neighbour })
    offset = batch.baseOffset(found)
  }
  if (nextBase === undefined || nextBase <= offset) return { gaps, end: offset, last }
  if (nextBase - 1 - base > largestDelta) throw tooFar(path, nextBase)
  const neighbour = last ?? firstEpochHeader()
  return {
    gaps: [...gaps, { position: size, from: offset, to: nextBase, neighbour }],
    end: nextBase,
    last,
  }
}

/** The bytes of the batch there, as far as they are in the file. */
function batchAt(file: OpenFile, size: number, position: number): Buffer {
  const header = bytesAt(file, position, Math.min(batch.headerBytes, size - position))
  if (header.length < batch.headerBytes) return header
  const whole = batch.sizeInBytes(header)
  return whole < batch.headerBytes || whole > size - position
    ? header
    : bytesAt(file, position, whole)
}

function bytesAt(file: OpenFile, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, file.read(bytes, 0, length, position))
}

/** A message of format 0 or 1, whose checksum says that it is none by chance. (Kafka: LegacyRecord.) */
function isOldMessage(bytes: Buffer): boolean {
  if (bytes.length < batch.headerBytes || batch.sizeInBytes(bytes) !== bytes.length) return false
  return batch.magic(bytes) < 2 && crc32(bytes.subarray(16)) === bytes.readUInt32BE(12)
}

function oldFormat(path: string, position: number): MillraceError {
  return new MillraceError(
    'CORRUPT_DATA',
    `${path} holds at byte ${position} a message of a format before version 2, which cannot be read here. ` +
      'Copy the topic to a new one with Apache Kafka 2 or 3, and use the folder of that.',
  )
}

function tooFar(path: string, nextBase: number): MillraceError {
  return new MillraceError(
    'CORRUPT_DATA',
    `${path} is followed by a segment that begins with offset ${nextBase}, further away than a segment reaches: one between ` +
      'them is missing. Restore the folder from a copy.',
  )
}

/** For a gap before which there is no batch at all. */
function firstEpochHeader(): Buffer {
  const header = new RecordBatchBuilder().build()
  batch.setPartitionLeaderEpoch(header, 0)
  return header
}

async function writeFilled(
  { files, folder }: LogFolder,
  base: number,
  source: OpenFile,
  gaps: readonly Gap[],
): Promise<void> {
  const target = files.open(cleanedPath(folder, base), { create: true })
  let read = 0
  let written = 0
  const put = (bytes: Buffer): void => {
    target.write(bytes, written)
    written += bytes.length
  }
  const copyTo = (position: number): void => {
    while (read < position) {
      const bytes = bytesAt(source, read, Math.min(copyBytes, position - read))
      put(bytes)
      read += bytes.length
    }
  }
  try {
    for (const { position, from, to, neighbour } of gaps) {
      copyTo(position)
      const first = Buffer.from(neighbour)
      batch.setBaseOffset(first, from)
      put(gapBatch(first, to))
    }
    copyTo(source.size())
    await target.sync()
  } finally {
    target.close()
  }
}
