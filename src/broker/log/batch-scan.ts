import type { OpenFile } from '../../platform/platform.ts'
import * as batch from '../../protocol/record-batch.ts'

/** Where a scan stopped: `problem` says why the batch at `position` is none, or is null when the end was reached. */
export interface ScanEnd {
  readonly position: number
  readonly nextOffset: number
  readonly problem: string | null
}

export interface ScanRange {
  /** Position of a batch boundary. */
  readonly from: number
  readonly to: number
  /** Offset that the first batch must begin with. */
  readonly offset: number
}

const chunkBytes = 1 << 20

/**
 * Visits the batches of a part of a segment in order, each checked as a whole: size, magic, CRC, and that its offsets
 * follow those before it. Stops at the first that is damaged or incomplete, or when `visit` returns false.
 */
export function scanBatches(
  file: OpenFile,
  range: ScanRange,
  visit: (buffer: Buffer, at: number, position: number) => boolean | void,
): ScanEnd {
  let { from: position, offset } = range
  let buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(range.to - position, 0)))
  while (position < range.to) {
    const length = file.read(buffer, 0, Math.min(buffer.length, range.to - position), position)
    const chunk = buffer.subarray(0, length)
    let at = 0
    while (at < length) {
      const size = length - at < batch.headerBytes ? 0 : batch.sizeInBytes(chunk, at)
      const whole = size >= batch.headerBytes && size <= length - at
      if (!whole && at > 0) break
      if (!whole && size > length && size <= range.to - position && length === buffer.length) {
        buffer = Buffer.allocUnsafe(size)
        break
      }
      const problem = batchProblem(chunk, at, offset)
      if (problem !== null) return { position: position + at, nextOffset: offset, problem }
      offset += batch.lastOffsetDelta(chunk, at) + 1
      at += size
      if (visit(chunk, at - size, position + at - size) === false) {
        return { position: position + at, nextOffset: offset, problem: null }
      }
    }
    if (length === 0) return { position, nextOffset: offset, problem: 'the file ends before it' }
    position += at
  }
  return { position, nextOffset: offset, problem: null }
}

/**
 * Why the bytes are not the batch that begins with `offset`; null when they are. That offsets follow without a gap is
 * what covers the base offset, which the CRC leaves out. (Compaction leaves gaps: it will relax this to "not below".)
 */
export function batchProblem(
  buffer: Buffer,
  at: number,
  offset: number,
  isChecked = false,
): string | null {
  const problem = batch.checkBatch(buffer, at, isChecked)
  if (problem !== null) return problem.text
  const base = batch.baseOffset(buffer, at)
  if (base !== offset) return `it begins with offset ${base} instead of ${offset}`
  return null
}
