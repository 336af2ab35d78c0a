import type { OpenFile } from '../../platform/platform.ts'
import * as batch from '../../protocol/record-batch.ts'
import { DamagedBatch } from './damaged-batch.ts'

/** Where a batch begins, and with which offset. */
export interface BatchPlace {
  readonly position: number
  readonly base: number
}

/** A log file and where what is in it ends. */
export interface BatchFile {
  readonly path: string
  readonly file: OpenFile
  readonly sizeBytes: number
}

const headerWindow = Buffer.alloc(8192)

/**
 * Goes from header to header, from a known boundary to the batch that holds the offset. Throws `DamagedBatch` where a
 * header does not follow the one before it.
 */
export function hop(log: BatchFile, from: BatchPlace, offset: number): BatchPlace {
  let { position, base } = from
  let windowStart = 0
  let windowEnd = 0
  for (;;) {
    if (position < windowStart || position + batch.headerBytes > windowEnd) {
      windowStart = position
      const length = Math.min(headerWindow.length, log.sizeBytes - position)
      windowEnd = position + (length > 0 ? log.file.read(headerWindow, 0, length, position) : 0)
    }
    const at = position - windowStart
    const problem =
      windowEnd - position < batch.headerBytes
        ? 'the file ends before it'
        : headerProblem(headerWindow, at, base)
    if (problem !== null) throw new DamagedBatch(log.path, position, base, problem)
    const next = base + batch.lastOffsetDelta(headerWindow, at) + 1
    if (next > offset) return { position, base }
    position += batch.sizeInBytes(headerWindow, at)
    base = next
  }
}

function headerProblem(buffer: Buffer, at: number, offset: number): string | null {
  if (batch.baseOffset(buffer, at) !== offset) {
    return `a batch with offset ${batch.baseOffset(buffer, at)} is there`
  }
  if (batch.sizeInBytes(buffer, at) < batch.headerBytes) return 'its size is too small'
  if (batch.lastOffsetDelta(buffer, at) < 0) return 'its last offset delta is negative'
  return null
}
