import * as batch from '../../protocol/record-batch.ts'
import { scanBatches } from './batch-scan.ts'
import { checksumOf } from './checkpoint.ts'
import { DamagedBatch } from './damaged-batch.ts'
import { offsetsOf, segmentPath } from './file-names.ts'
import { decodeSnapshot } from './producer-snapshot.ts'
import type { CompletedTransaction, ProducerState } from './producer-state.ts'
import type { LogFolder } from './recovery.ts'
import type { Segment } from './segment.ts'

/** Told of each transaction that ended in the part of the log that is replayed, in order. */
type TransactionListener = (transaction: CompletedTransaction, state: ProducerState) => void

export interface ReplayTarget {
  readonly state: ProducerState
  /** The broker's time in milliseconds. */
  readonly now: number
  readonly ended?: TransactionListener
}

export interface SnapshotRules {
  /** The newest that may be taken. */
  readonly upTo: number
  /** Checksums by offset of those that the checkpoint has seen; undefined when it has noted none. */
  readonly sealed: ReadonlyMap<number, string> | undefined
}

/**
 * Fills the state with what it was just before `offset`: the newest sound snapshot up to there, and the batches between.
 * Returns the damage that ended this early.
 */
export function loadProducers(
  log: LogFolder,
  segments: readonly Segment[],
  target: ReplayTarget,
  offset: number,
  { upTo, sealed }: SnapshotRules = { upTo: offset, sealed: undefined },
): DamagedBatch | undefined {
  const { state } = target
  state.clear()
  const { files, folder } = log
  const snapshots = offsetsOf(files.list(folder), 'snapshot').filter(at => at <= upTo)
  for (const at of snapshots.toReversed()) {
    const content = files.read(segmentPath(folder, at, 'snapshot')) ?? Buffer.alloc(0)
    if (sealed !== undefined && sealed.get(at) !== checksumOf(content)) continue
    const entries = decodeSnapshot(content)
    if (entries === undefined) continue
    state.restore(entries)
    return replay(segments, target, at, offset)
  }
  return replay(segments, target, segments[0]?.baseOffset ?? 0, offset)
}

/** Updates the state with the batches of [from, to). Returns the damage that ended it early. */
function replay(
  segments: readonly Segment[],
  { state, now, ended }: ReplayTarget,
  from: number,
  to: number,
): DamagedBatch | undefined {
  for (const segment of segments) {
    const first = Math.max(from, segment.baseOffset)
    const last = Math.min(to, segment.endOffset)
    if (first >= last) continue
    try {
      const { position, base } = segment.locate(first)
      const range = { from: position, to: segment.sizeBytes, offset: base }
      const end = scanBatches(segment.file, range, (buffer, at) => {
        if (batch.baseOffset(buffer, at) >= last) return false
        const transaction = state.update(buffer, at, now)
        if (transaction !== undefined) ended?.(transaction, state)
        return true
      })
      if (end.nextOffset < last) {
        const problem = end.problem ?? 'the file ends before it'
        throw new DamagedBatch(segment.path, end.position, end.nextOffset, problem)
      }
    } catch (error) {
      if (error instanceof DamagedBatch) return error
      throw error
    }
  }
  return undefined
}
