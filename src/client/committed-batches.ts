import { readMarker } from '../protocol/control-batch.ts'
import {
  isControl,
  isTransactional,
  nextOffset,
  producerId,
  sizeInBytes,
} from '../protocol/record-batch.ts'

/** A transaction that was aborted: what the producer wrote from this offset up to its next abort marker. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/**
 * Complete batches without those of aborted transactions. A batch belongs to the aborted transaction of its producer
 * from the transaction's first offset up to the marker: bits of the batch decide, never keys of records. The bytes are
 * copied only when something is left out. Kafka: CompletedFetch.
 */
export function committedBatches(
  batches: Buffer,
  abortedTransactions: readonly AbortedTransaction[],
): Buffer {
  if (abortedTransactions.length === 0) return batches
  const waiting = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborted = new Set<bigint>()
  const kept: Buffer[] = []
  let begun = 0
  let keptFrom = 0
  for (let at = 0; at < batches.length;) {
    const end = at + sizeInBytes(batches, at)
    for (;;) {
      const next = waiting[begun]
      if (next === undefined || next.firstOffset >= nextOffset(batches, at)) break
      aborted.add(next.producerId)
      begun += 1
    }
    const producer = producerId(batches, at)
    if (isControl(batches, at)) {
      if (readMarker(batches, at)?.type === 'abort') aborted.delete(producer)
    } else if (isTransactional(batches, at) && aborted.has(producer)) {
      if (at > keptFrom) kept.push(batches.subarray(keptFrom, at))
      keptFrom = end
    }
    at = end
  }
  if (keptFrom === 0) return batches
  if (keptFrom < batches.length) kept.push(batches.subarray(keptFrom))
  return Buffer.concat(kept)
}
