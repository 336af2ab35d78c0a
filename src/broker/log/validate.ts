/**
 * What a batch must be before it enters the log (Kafka: LogValidator). Everything here is read from batch headers; the
 * records are looked at after it, by validate-records.ts.
 */
import { AppendRefused } from './append-refused.ts'
import * as batch from '../../protocol/record-batch.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import type { LogConfig } from './log-config.ts'

const noTimestamp = -1

/** Who appends to which partition. */
export interface AppendPlace {
  /** Names the partition in messages. */
  readonly name: string
  /** What the broker's own coordinators write has no sequences. */
  readonly isClient: boolean
}

/** Checks all batches of an append; throws `AppendRefused` for the first that is wrong. */
export function validateBatches(
  batches: Buffer,
  config: LogConfig,
  now: number,
  place: AppendPlace,
): void {
  const { name: where } = place
  let count = 0
  let idempotent = 0
  for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
    validateBatch(batches, at, config, now, place)
    count++
    if (batch.producerId(batches, at) >= 0n) idempotent++
  }
  if (count > 1 && idempotent > 0) {
    throw new AppendRefused(
      errorCode.INVALID_RECORD,
      `An idempotent append to ${where} must be one batch, not ${count}.`,
    )
  }
  if (count === 0)
    throw new AppendRefused(errorCode.INVALID_RECORD, `An append to ${where} held no batch.`)
  validateSizes(batches, config, where)
}

/** Throws `AppendRefused` when a batch, or all of them, are larger than the topic takes. */
export function validateSizes(batches: Buffer, config: LogConfig, where: string): void {
  for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
    const size = batch.sizeInBytes(batches, at)
    if (size > config.maxMessageBytes) {
      throw new AppendRefused(
        errorCode.MESSAGE_TOO_LARGE,
        `A batch for ${where} was refused: its ${size} bytes exceed max.message.bytes=${config.maxMessageBytes}.`,
      )
    }
  }
  if (batches.length > config.segmentBytes) {
    throw new AppendRefused(
      errorCode.RECORD_LIST_TOO_LARGE,
      `${batches.length} bytes for ${where} exceed segment.bytes=${config.segmentBytes}: send smaller batches.`,
    )
  }
}

function validateBatch(
  batches: Buffer,
  at: number,
  config: LogConfig,
  now: number,
  { name: where, isClient }: AppendPlace,
): void {
  const refuse = (code: number, why: string): AppendRefused =>
    new AppendRefused(code, `A batch for ${where} was refused: ${why}`)

  const problem = batch.checkBatch(batches, at)
  if (problem !== null) throw refuse(errorCode.CORRUPT_MESSAGE, `${problem.text}.`)
  const records = batch.recordCount(batches, at)
  if (records <= 0 || records !== batch.lastOffsetDelta(batches, at) + 1) {
    throw refuse(
      errorCode.INVALID_RECORD,
      `it counts ${records} records but its last offset delta is ${batch.lastOffsetDelta(batches, at)}.`,
    )
  }
  if (batch.isControl(batches, at)) {
    throw refuse(errorCode.INVALID_RECORD, 'clients may not write control batches.')
  }
  if (batch.producerId(batches, at) >= 0n) {
    const epoch = batch.producerEpoch(batches, at)
    const sequence = batch.baseSequence(batches, at)
    if (epoch < 0 || (sequence < 0 && isClient)) {
      throw refuse(
        errorCode.INVALID_RECORD,
        `it has a producer id but epoch ${epoch} and sequence ${sequence}.`,
      )
    }
  }
  if (config.messageTimestampType === 'CreateTime') {
    const base = batch.baseTimestamp(batches, at)
    const max = batch.maxTimestamp(batches, at)
    const earliest = Math.max(0, now - config.messageTimestampBeforeMaxMs)
    if (!Number.isSafeInteger(max)) {
      throw refuse(errorCode.INVALID_TIMESTAMP, `its largest timestamp is ${max}.`)
    }
    if (
      (base !== noTimestamp && base < earliest) ||
      max > now + config.messageTimestampAfterMaxMs
    ) {
      throw refuse(
        errorCode.INVALID_TIMESTAMP,
        `its timestamps ${base} to ${max} are not within message.timestamp.before.max.ms=${config.messageTimestampBeforeMaxMs} ` +
          `and message.timestamp.after.max.ms=${config.messageTimestampAfterMaxMs} of the broker's time ${now}.`,
      )
    }
  }
}
