import { loadProducers } from './load-producers.ts'
import { type CompletedTransaction, ProducerState } from './producer-state.ts'
import type { LogFolder } from './recovery.ts'
import type { Segment } from './segment.ts'

/** Reads the aborted transactions of all segments below the recovery point; from the log where their files are not sound. */
export function loadAborted(
  log: LogFolder,
  segments: readonly Segment[],
  recoveryPoint: number,
): void {
  for (const segment of segments) {
    const isSound = segment.aborted.load(segment.baseOffset, Number.MAX_SAFE_INTEGER)
    if (isSound) segment.aborted.truncate(Math.min(segment.endOffset, recoveryPoint))
    else rebuildAborted(log, segments, segment, Math.min(segment.endOffset, recoveryPoint))
  }
}

function rebuildAborted(
  log: LogFolder,
  segments: readonly Segment[],
  segment: Segment,
  to: number,
): void {
  log.logger.warn(
    { segment: segment.path },
    'The index of aborted transactions is damaged and is made anew from the log.',
  )
  const state = new ProducerState()
  const ended = (transaction: CompletedTransaction): void => {
    if (transaction.lastOffset >= segment.baseOffset) noteAborted(segment, state, transaction)
  }
  // Damage in the log is met again, and reported, by who reads it.
  loadProducers(log, segments, { state, now: 0, ended }, to, segment.baseOffset)
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
