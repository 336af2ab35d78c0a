import { MillraceError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { RecordBatchBuilder } from '../../protocol/record-batch-builder.ts'
import { RecordReader } from '../../protocol/record-batch-reader.ts'
import { endOf } from '../log/compaction/sparse-batches.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { answerTo } from '../request-refused.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { type CoordinatorRecord, readRecord, type ReadRecord } from './offset-records.ts'

/**
 * One partition of a coordinator's topic: where its state is written, and what must be durable before anybody may be told
 * of it. Answers wait for everything that was written before them, those that wrote nothing too: nobody is ever told of
 * a state that a crash could take back.
 */
export interface CoordinatorPartition {
  /** Writes the records as one batch. NONE, or the error code of a write that was refused and changed nothing. */
  write(records: readonly CoordinatorRecord[], nowMs: number): number
  /** NONE when everything written so far is durable; otherwise a promise of that, or of the code for why it never will. */
  durable(): number | Promise<number>
  /** Calls `visit` with every record from the start of the log. */
  replay(visit: (record: ReadRecord) => void): void
}

const READ_BYTES = 1024 * 1024

export function coordinatorPartition(
  log: PartitionLog,
  leaderEpoch: number,
  logger: Logger,
): CoordinatorPartition {
  const builder = new RecordBatchBuilder()
  const reader = new RecordReader({ checkCrc: false })
  let writtenEnd = log.endOffset

  return {
    write(records, nowMs) {
      if (records.length === 0) return errorCode.NONE
      for (const { key, value } of records) builder.append(key, value, nowMs, [])
      try {
        log.append(builder.build(), { leaderEpoch, assignOffsets: true })
        writtenEnd = log.endOffset
        return errorCode.NONE
      } catch (error) {
        return coordinatorCode(error, logger)
      } finally {
        builder.reset()
      }
    },
    durable() {
      if (log.highWatermark >= writtenEnd) return errorCode.NONE
      return log.durable(writtenEnd).then(
        () => errorCode.NONE,
        (error: unknown) => coordinatorCode(error, logger),
      )
    },
    replay(visit) {
      for (let at = log.startOffset; at < log.highWatermark;) {
        const batches = log.read(at, READ_BYTES)
        if (batches.length === 0) return
        reader.reset(batches)
        while (reader.next()) {
          if (reader.offset < at || reader.isControl || reader.key === null) continue
          visit(readAt(log, reader, reader.key))
        }
        // Not from the last record, which compaction may have taken out of its batch.
        at = endOf(batches)
      }
    },
  }
}

function readAt(log: PartitionLog, reader: RecordReader, key: Buffer): ReadRecord {
  try {
    return readRecord(key, reader.value)
  } catch (cause) {
    throw new MillraceError(
      'CORRUPT_DATA',
      `The record at offset ${reader.offset} of the coordinator's topic ${log.topicId} cannot be read: restore the data folder from a backup.`,
      { cause },
    )
  }
}

/** To clients of the coordinator a disk that fails is a coordinator that is away. */
function coordinatorCode(error: unknown, logger: Logger): number {
  const code = answerTo(error, logger).errorCode
  return code === errorCode.KAFKA_STORAGE_ERROR ? errorCode.COORDINATOR_NOT_AVAILABLE : code
}
