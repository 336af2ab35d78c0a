import { MillraceError } from '../../errors.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import * as batch from '../../protocol/record-batch.ts'
import { RecordReader } from '../../protocol/record-batch-reader.ts'
import { AppendRefused } from './append-refused.ts'
import type { LogConfig } from './log-config.ts'

const MIB = 1024 * 1024
const reader = new RecordReader({ checkCrc: false })

/**
 * Throws `AppendRefused` when the records of a sound batch are not what its header says: what cannot be decoded, or is
 * numbered otherwise, would stop every consumer, and lookups by time and compaction too. In a compacted topic a
 * record needs a key, by which compaction can tell it from others. `where` names the partition. (Kafka: LogValidator.)
 */
export function validateRecords(batches: Buffer, config: LogConfig, where: string): void {
  const { isCompacted } = config
  const refused = (why: string, cause?: unknown): AppendRefused =>
    new AppendRefused(errorCode.INVALID_RECORD, `A batch for ${where} was refused: ${why}`, {
      cause,
    })
  reader.maxDecompressedBytes = maxDecompressedBytes(config)
  try {
    for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
      reader.reset(batches.subarray(at, at + batch.sizeInBytes(batches, at)))
      let expected = batch.baseOffset(batches, at)
      while (reader.next()) {
        if (reader.offset !== expected) {
          throw refused(`a record has offset ${reader.offset} where ${expected} must be.`)
        }
        expected++
        if (!Number.isSafeInteger(reader.timestamp)) {
          throw refused(`a record has the timestamp ${reader.timestamp}.`)
        }
        if (isCompacted && reader.key === null) {
          throw refused('a record has no key, and the topic is compacted.')
        }
        reader.checkHeaders()
      }
    }
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.code !== 'CORRUPT_DATA') throw cause
    throw refused(cause.message, cause)
  } finally {
    reader.reset(nothing)
  }
}

/** No honest producer packs more into a batch; a bomb becomes gigabytes. */
export function maxDecompressedBytes({ maxMessageBytes }: LogConfig): number {
  return Math.max(32 * MIB, 4 * maxMessageBytes)
}

const nothing = Buffer.alloc(0)
