import { MillraceError } from '../../../errors.ts'
import { errorCode } from '../../../protocol/error-codes.ts'
import { RecordReader } from '../../../protocol/record-batch-reader.ts'
import { AppendRefused } from '../append-refused.ts'

const reader = new RecordReader({ checkCrc: false })

/**
 * Throws `AppendRefused` INVALID_RECORD when a record has no key, by which compaction would have to tell it from others,
 * or when the records cannot be decoded. `where` names the partition. (Kafka: LogValidator.validateKey.)
 */
export function refuseNullKeys(batches: Buffer, where: string): void {
  try {
    reader.reset(batches)
    while (reader.next()) {
      if (reader.key !== null) continue
      const why = `A record for ${where} was refused: it has no key, and the topic is compacted.`
      throw new AppendRefused(errorCode.INVALID_RECORD, why)
    }
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.code !== 'CORRUPT_DATA') throw cause
    const why = `A batch for ${where} was refused: ${cause.message}`
    throw new AppendRefused(errorCode.INVALID_RECORD, why, { cause })
  } finally {
    reader.reset(nothing)
  }
}

const nothing = Buffer.alloc(0)
