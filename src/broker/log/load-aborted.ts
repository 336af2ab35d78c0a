import type { AbortedSeal, Seals } from './checkpoint.ts'
import { loadProducers } from './load-producers.ts'
import { type CompletedTransaction, ProducerState } from './producer-state.ts'
import type { LogFolder } from './recovery.ts'
import type { Segment } from './segment.ts'

/** Reads the aborted transactions of all segments below the recovery point; from the log where their files are not sound. */
export function loadAborted(
  log: LogFolder,
  segments: readonly Segment[],
  recoveryPoint: number,
  seals: Seals | undefined,
): void {
  for (const segment of segments) {
    const { aborted, baseOffset } = segment
    const to = Math.min(segment.endOffset, recoveryPoint)
    const isRead = aborted.load(baseOffset, Number.MAX_SAFE_INTEGER)
    if (isRead) aborted.truncate(to)
    if (isRead && isSealed(aborted.sealBelow(to), seals, baseOffset)) continue
    aborted.clear()
    rebuildAborted(log, segments, segment, to, seals)
  }
}

/** Nothing but the checkpoint tells an index that has lost entries, or has others, from one that is as it was. */
function isSealed(found: AbortedSeal, seals: Seals | undefined, baseOffset: number): boolean {
  if (seals === undefined) return true
  const { count, checksum } = seals.aborted.get(baseOffset) ?? { count: 0, checksum: '' }
  return found.count === count && (count === 0 || found.checksum === checksum)
}

function rebuildAborted(
  log: LogFolder,
  segments: readonly Segment[],
  segment: Segment,
  to: number,
  seals: Seals | undefined,
): void {
  log.logger.warn(
    { segment: segment.path },
    'The index of aborted transactions is not as the checkpoint knows it and is made anew from the log.',
  )
  const state = new ProducerState()
  const ended = (transaction: CompletedTransaction): void => {
    if (transaction.lastOffset >= segment.baseOffset) noteAborted(segment, state, transaction)
  }
  // Damage in the log is met again, and reported, by who reads it.
  loadProducers(log, segments, { state, now: 0, ended }, to, {
    upTo: segment.baseOffset,
    sealed: seals?.snapshots,
  })
}

/** Takes a transaction that ended while everything before is below the high watermark into the segment of its marker. */
export function noteAborted(
  segment: Segment,
  producers: ProducerState,
  transaction: CompletedTransaction | undefined,
): void {
  if (transaction === undefined || !transaction.isAborted) return
  const { producerId, firstOffset, lastOffset } = transaction
  const lastStableOffset = Math.min(producers.firstOpenOffset ?? Infinity, lastOffset + 1)
  segment.aborted.add({ producerId, firstOffset, lastOffset, lastStableOffset })
}
