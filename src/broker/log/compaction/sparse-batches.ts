/**
 * Reading where compaction has removed records. A consumer that asks for an offset gets the batch that holds it, which may
 * have no record there or above any more. The Java client then goes on behind the batch, but kafkajs asks for the same
 * offset for ever, so such a batch is given together with a later one that has records.
 */
import * as batch from '../../../protocol/record-batch.ts'
import { DamagedBatch } from '../damaged-batch.ts'

/** Whether whole batches are sure to have a record at or above an offset that the first of them holds. */
export function reachesRecord(batches: Buffer): boolean {
  if (batches.length === 0 || isFull(batches)) return true
  let at = batch.sizeInBytes(batches, 0)
  while (at < batches.length && batch.recordCount(batches, at) === 0) {
    at += batch.sizeInBytes(batches, at)
  }
  return at < batches.length
}

function isFull(batches: Buffer): boolean {
  return batch.recordCount(batches, 0) === batch.lastOffsetDelta(batches, 0) + 1
}

/**
 * Adds what `read` gives next, below an offset, until `reachesRecord` or nothing is left. Damage further on does not take
 * away what was found: whoever asks for that part is told of it.
 */
export function readToRecord(
  found: Buffer,
  below: number,
  read: (offset: number) => Buffer,
): Buffer {
  let batches = found
  while (!reachesRecord(batches)) {
    const next = endOf(batches)
    if (next >= below) break
    const more = unlessDamaged(() => read(next))
    if (more.length === 0) break
    batches = Buffer.concat([batches, more])
  }
  return batches
}

function unlessDamaged(read: () => Buffer): Buffer {
  try {
    return read()
  } catch (error) {
    if (error instanceof DamagedBatch) return Buffer.alloc(0)
    throw error
  }
}

/** The offset after the last of the batches. */
export function endOf(batches: Buffer): number {
  let end = -1
  for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
    end = batch.nextOffset(batches, at)
  }
  return end
}
