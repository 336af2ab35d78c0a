import { MillraceError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { readControlRecord } from '../../protocol/control-batch.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { stampProducer } from '../../protocol/record-batch.ts'
import { RecordBatchBuilder } from '../../protocol/record-batch-builder.ts'
import { RecordReader } from '../../protocol/record-batch-reader.ts'
import { endOf } from '../log/compaction/sparse-batches.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { answerTo } from '../request-refused.ts'

/**
 * One partition of a coordinator's topic: where its state is written, and what must be durable before anybody may be told
 * of it. Answers wait for everything that was written before them, those that wrote nothing too: nobody is ever told of
 * a state that a crash could take back.
 */
export interface CoordinatorPartition {
  /** The offset that the next record gets. */
  readonly endOffset: number
  /**
   * Writes the records as one batch, in the transaction of `producer` if one is given. NONE, or the error code of a write
   * that was refused and changed nothing.
   */
  write(
    records: readonly CoordinatorRecord[],
    nowMs: number,
    producer?: TransactionalProducer,
  ): number
  /** NONE when everything in the log is durable; otherwise a promise of that, or of the code for why it never will. */
  durable(): number | Promise<number>
  /** Reads the log from its start. Throws CORRUPT_DATA where `reader` throws PROTOCOL_ERROR. */
  replay(reader: ReplayReader): void
}

/** A record as it goes into a batch. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

export interface TransactionalProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface ReplayReader {
  /** Key and value are views. `producerId` is that of the transaction the record was written in, -1n when in none. */
  record(key: Buffer, value: Buffer | null, offset: number, producerId: bigint): void
  /** The producer's transaction in this partition has ended. */
  marker(producerId: bigint, type: 'abort' | 'commit'): void
}

const READ_BYTES = 1024 * 1024

export function coordinatorPartition(
  log: PartitionLog,
  leaderEpoch: number,
  logger: Logger,
): CoordinatorPartition {
  const builder = new RecordBatchBuilder()
  const batches = new RecordReader({ checkCrc: false })

  return {
    get endOffset() {
      return log.endOffset
    },
    write(records, nowMs, producer) {
      if (records.length === 0) return errorCode.NONE
      for (const { key, value } of records) builder.append(key, value, nowMs, [])
      const batch = builder.build()
      builder.reset()
      if (producer !== undefined) {
        stampProducer(batch, { ...producer, baseSequence: -1, isTransactional: true })
      }
      try {
        log.append(batch, { leaderEpoch, assignOffsets: true, origin: 'coordinator' })
        return errorCode.NONE
      } catch (error) {
        return coordinatorCode(error, logger)
      }
    },
    durable() {
      if (log.highWatermark >= log.endOffset) return errorCode.NONE
      return log.durable(log.endOffset).then(
        () => errorCode.NONE,
        (error: unknown) => coordinatorCode(error, logger),
      )
    },
    replay(reader) {
      for (let at = log.startOffset; at < log.highWatermark;) {
        const found = log.read(at, READ_BYTES)
        if (found.length === 0) return
        batches.reset(found)
        while (batches.next()) if (batches.offset >= at) replayOne(log, batches, reader)
        // Not from the last record, which compaction may have taken out of its batch.
        at = endOf(found)
      }
    },
  }
}

function replayOne(log: PartitionLog, batches: RecordReader, reader: ReplayReader): void {
  const { key, value, offset, producerId } = batches
  if (batches.isControl) {
    const marker = readControlRecord(key, value)
    if (marker !== null) reader.marker(producerId, marker.type)
    return
  }
  if (key === null) return
  try {
    reader.record(key, value, offset, batches.isTransactional ? producerId : -1n)
  } catch (cause) {
    if (!(cause instanceof MillraceError)) throw cause
    throw new MillraceError(
      'CORRUPT_DATA',
      `The record at offset ${offset} of the coordinator's topic ${log.topicId} cannot be read: restore the data folder from a backup.`,
      { cause },
    )
  }
}

/** To clients of the coordinator a disk that fails is a coordinator that is away. */
function coordinatorCode(error: unknown, logger: Logger): number {
  const code = answerTo(error, logger).errorCode
  return code === errorCode.KAFKA_STORAGE_ERROR ? errorCode.COORDINATOR_NOT_AVAILABLE : code
}
