/**
 * Opening a partition's folder (Kafka: LogLoader). Below the recovery point everything is durable and is trusted until
 * it is read: nothing there is ever cut. Above it lies what a crash may have torn: it is scanned, cut before the first
 * batch that is damaged, incomplete or does not follow, and the indexes, leader epochs and producer state are brought up
 * to date from it. After a clean stop nothing lies above. So the work is in proportion to what was written since the
 * last recovery point, not to the log.
 */
import path from 'node:path'
import type { Logger } from '../../logger.ts'
import type { Files } from '../../platform/platform.ts'
import * as batch from '../../protocol/record-batch.ts'
import { scanBatches } from './batch-scan.ts'
import { recoverSwaps } from './compaction/swap.ts'
import { type Checkpoint, type CheckpointFile, checksumOf, decodeCheckpoint } from './checkpoint.ts'
import { checkpointFile, leaderEpochFile, offsetsOf, segmentPath } from './file-names.ts'
import { fillGaps } from './fill-gaps.ts'
import { agreeWithLog } from './epochs-in-log.ts'
import { decodeLeaderEpochs, LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { loadAborted, noteAborted } from './load-aborted.ts'
import { loadProducers } from './load-producers.ts'
import { ProducerState } from './producer-state.ts'
import { DamagedBatch } from './damaged-batch.ts'
import { Segment } from './segment.ts'

export interface LogFolder {
  readonly files: Files
  readonly folder: string
  readonly config: LogConfig
  readonly logger: Logger
}

export interface RecoveredLog {
  /** Ascending; the last is the one to append to. */
  readonly segments: Segment[]
  readonly startOffset: number
  readonly checkpoint: Checkpoint
  /** Checksums of snapshots that the checkpoint has seen, by offset. */
  readonly sealedSnapshots: ReadonlyMap<number, string>
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  /** The first damage found below the recovery point. */
  readonly damage: DamagedBatch | undefined
  /** Bytes above the recovery point: 0 after a clean stop. */
  readonly scannedBytes: number
  /** Bytes of torn tail that were cut. */
  readonly cutBytes: number
}

/** Brings the folder into a state that can be appended to, durably. `now`: the broker's time in milliseconds. */
export async function recoverLog(log: LogFolder, now: number): Promise<RecoveredLog> {
  const { files, folder, logger } = log
  await recoverSwaps(files, folder)
  if (files.size(path.join(folder, checkpointFile)) === undefined) await fillGaps(log)
  const names = files.list(folder)
  const segments = openSegments(log, offsetsOf(names, 'log'))
  const { checkpoint, seals } = readCheckpoint(log, segments)
  const last = segments.at(-1)
  if (last !== undefined) last.endOffset = Math.max(last.baseOffset, checkpoint.recoveryPoint)
  const { recoveryPoint } = checkpoint
  const epochs = readEpochs(log, segments, recoveryPoint, seals?.leaderEpochs)
  // Those above describe a tail that may be cut.
  const staleSnapshots = offsetsOf(names, 'snapshot').filter(offset => offset > recoveryPoint)
  for (const offset of staleSnapshots) files.remove(segmentPath(folder, offset, 'snapshot'))
  const producers = new ProducerState()
  const sealed = seals?.snapshots
  const replayed = { state: producers, now }
  const rules = { upTo: recoveryPoint, sealed }
  const damageBelow = loadProducers(log, segments, replayed, recoveryPoint, rules)
  loadAborted(log, segments, recoveryPoint, seals)

  const tail = recoverTail(log, segments, checkpoint, (buffer, at, segment) => {
    epochs.assign(batch.partitionLeaderEpoch(buffer, at), batch.baseOffset(buffer, at))
    noteAborted(segment, producers, producers.update(buffer, at, now))
  })
  // What a killed process wrote is readable but perhaps not durable, and readers will see it from now on. It is written
  // anew because a flush of that process may have failed: the system then takes what it could not store for stored, shows
  // it as long as it stays in memory, and no later flush stores it.
  for (const { segment, from } of tail.touched) {
    writeAnew(segment, from)
    await segment.file.sync()
  }
  if (tail.isFolderChanged || staleSnapshots.length > 0) await files.syncFolder(folder)
  if (tail.scannedBytes > 0) {
    logger.info(
      { folder, scannedBytes: tail.scannedBytes, cutBytes: tail.cutBytes },
      'The partition was not stopped cleanly and has been recovered from its recovery point.',
    )
  }
  const damage = missingStart(log, segments, checkpoint) ?? tail.damage ?? damageBelow
  if (damage !== undefined) logger.error({ folder, offset: damage.offset }, damage.message)
  const { startOffset } = checkpoint
  epochs.truncateFromStart(startOffset)
  const { scannedBytes, cutBytes } = tail
  return {
    segments,
    startOffset,
    checkpoint,
    sealedSnapshots: sealed ?? new Map<number, string>(),
    epochs,
    producers,
    damage,
    scannedBytes,
    cutBytes,
  }
}

/** Records are only ever removed after the start offset has moved past them, so a later first segment means a loss. */
function missingStart(
  log: LogFolder,
  segments: readonly Segment[],
  { startOffset }: Checkpoint,
): DamagedBatch | undefined {
  if ((segments[0]?.baseOffset ?? 0) <= startOffset) return undefined
  const lost = segmentPath(log.folder, startOffset, 'log')
  return new DamagedBatch(lost, 0, startOffset, 'the file that held it is missing')
}

function openSegments(log: LogFolder, bases: readonly number[]): Segment[] {
  const segments = bases.map(base => openSegment(log, base))
  segments.forEach((segment, n) => {
    segment.sizeBytes = log.files.size(segment.path) ?? 0
    segment.endOffset = segments[n + 1]?.baseOffset ?? segment.baseOffset
  })
  return segments
}

export function openSegment(log: LogFolder, baseOffset: number): Segment {
  const { files, folder, config } = log
  return new Segment({ files, folder, baseOffset, indexIntervalBytes: config.indexIntervalBytes })
}

function readCheckpoint(log: LogFolder, segments: readonly Segment[]): CheckpointFile {
  const content = log.files.read(path.join(log.folder, checkpointFile))
  const found = content === undefined ? undefined : decodeCheckpoint(content)
  if (found !== undefined) return found
  const first = segments[0]?.baseOffset ?? 0
  // A young log has none yet: the first is taken when the first segment is full.
  if (content !== undefined || segments.length > 1) {
    log.logger.warn(
      { folder: log.folder },
      `The checkpoint of the partition is ${content === undefined ? 'missing' : 'damaged'}: the whole log is scanned.`,
    )
  }
  const checkpoint = { recoveryPoint: first, segment: first, position: 0, startOffset: first }
  return { checkpoint, seals: undefined }
}

/** The epochs below the recovery point; from the log itself when the file is damaged or says something else. */
function readEpochs(
  log: LogFolder,
  segments: readonly Segment[],
  recoveryPoint: number,
  checksum: string | undefined,
): LeaderEpochs {
  const content = log.files.read(path.join(log.folder, leaderEpochFile))
  const epochs = content === undefined ? undefined : decodeLeaderEpochs(content)
  if (content !== undefined && epochs !== undefined) {
    epochs.truncateFromEnd(recoveryPoint)
    // A crash may have come between the two files, so another checksum alone proves nothing.
    if (checksumOf(content) === checksum) return epochs
    if (agreeWithLog(epochs, segments, recoveryPoint)) return epochs
  }
  const rebuilt = new LeaderEpochs()
  for (const segment of segments) {
    const range = { from: 0, to: segment.sizeBytes, offset: segment.baseOffset }
    scanBatches(segment.file, range, (buffer, at) => {
      const offset = batch.baseOffset(buffer, at)
      if (offset >= recoveryPoint) return false
      rebuilt.assign(batch.partitionLeaderEpoch(buffer, at), offset)
      return true
    })
  }
  return rebuilt
}

const chunkBytes = 1 << 20

/** Writes the same bytes to where they are, from a position to the end. */
function writeAnew({ file, sizeBytes }: Segment, from: number): void {
  const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, sizeBytes - from))
  for (let at = from; at < sizeBytes; at += chunk.length) {
    const length = file.read(chunk, 0, Math.min(chunk.length, sizeBytes - at), at)
    file.write(chunk.subarray(0, length), at)
  }
}

interface Tail {
  /** Segments whose content above the recovery point, from a position on, stays or was cut: not known to be durable. */
  readonly touched: { readonly segment: Segment; readonly from: number }[]
  isFolderChanged: boolean
  scannedBytes: number
  cutBytes: number
  damage: DamagedBatch | undefined
}

/** Scans what is above the recovery point, cuts it where it is torn, and makes sure there is a segment to append to. */
function recoverTail(
  log: LogFolder,
  segments: Segment[],
  checkpoint: Checkpoint,
  visit: (buffer: Buffer, at: number, segment: Segment) => void,
): Tail {
  const tail: Tail = {
    touched: [],
    isFolderChanged: false,
    scannedBytes: 0,
    cutBytes: 0,
    damage: undefined,
  }
  const { recoveryPoint } = checkpoint
  if (checkpoint.position > 0 && !segments.some(s => s.baseOffset === checkpoint.segment)) {
    const lost = segmentPath(log.folder, checkpoint.segment, 'log')
    tail.damage = new DamagedBatch(lost, 0, checkpoint.segment, 'the file that held it is missing')
  }
  let offset = recoveryPoint
  let active: Segment | undefined
  for (const segment of segments.filter(s => s.baseOffset >= checkpoint.segment)) {
    const fileBytes = segment.sizeBytes
    const from = segment.baseOffset === checkpoint.segment ? checkpoint.position : 0
    // Begun after the recovery point: whether the folder was synced since, nobody knows.
    if (from === 0) tail.isFolderChanged = true
    if (fileBytes < from) {
      segment.endOffset = recoveryPoint
      const problem = `the file has ${fileBytes} bytes, but ${from} were durable`
      tail.damage = new DamagedBatch(segment.path, fileBytes, segment.baseOffset, problem)
      continue
    }
    tail.scannedBytes += fileBytes - from
    // Behind a torn tail only a segment that begins just there follows: the torn batch was refused, and the log went on.
    if (segment.baseOffset !== checkpoint.segment && segment.baseOffset !== offset) {
      tail.cutBytes += fileBytes
      tail.isFolderChanged = true
      segments.splice(segments.indexOf(segment), 1)
      segment.remove()
      continue
    }
    active = segment
    segment.recoverFrom(from, Math.max(segment.baseOffset, recoveryPoint))
    const range = { from, to: fileBytes, offset: segment.endOffset }
    const end = scanBatches(segment.file, range, (buffer, at) => {
      segment.note(buffer, at)
      visit(buffer, at, segment)
    })
    offset = end.nextOffset
    if (fileBytes > from) tail.touched.push({ segment, from })
    if (end.problem === null) continue
    tail.cutBytes += fileBytes - end.position
    segment.file.truncate(end.position)
    log.logger.warn(
      { folder: log.folder, offset, position: end.position, cutBytes: fileBytes - end.position },
      `The log was cut at offset ${offset}, where the batch written last is torn: ${end.problem}.`,
    )
  }
  if (active === undefined) {
    const segment = openSegment(log, offset)
    segment.create()
    tail.isFolderChanged = true
    segments.push(segment)
  }
  return tail
}
