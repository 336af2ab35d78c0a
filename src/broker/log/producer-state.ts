/**
 * What the partition remembers of each idempotent producer, so that a batch that is sent again is not written again and
 * a gap is noticed (Kafka: ProducerStateManager, ProducerAppendInfo). It is a function of the log: rebuilt by replaying
 * the batches behind the newest snapshot. Transactions will add the open transaction's first offset, kept here already
 * because the snapshot format has it, and the marker checks.
 */
import { AppendRefused } from './append-refused.ts'
import * as batch from '../../protocol/record-batch.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import type { AppendPlace } from './validate.ts'

export interface ProducerBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  /** Largest timestamp of the batch where the broker stamps it, otherwise -1. */
  readonly logAppendTime: number
}

export interface ProducerEntry {
  readonly producerId: bigint
  epoch: number
  /** Newest last; at most five, because no client has more in flight. */
  batches: ProducerBatch[]
  /** When the producer was last heard, by the broker's clock: record timestamps may be years old. */
  lastSeenMs: number
}

const rememberedBatches = 5
const largestSequence = 0x7fffffff
/** What batches have instead of sequences that a coordinator wrote for a producer. */
const noSequence = -1

export class ProducerState {
  readonly #entries = new Map<bigint, ProducerEntry>()

  get entries(): Iterable<ProducerEntry> {
    return this.#entries.values()
  }

  /** The last offset of the newest batch of each producer: the state can be rebuilt from these batches' headers. */
  newestOffsets(): Set<number> {
    const offsets = new Set<number>()
    for (const { batches } of this.#entries.values()) {
      const newest = batches.at(-1)
      if (newest !== undefined) offsets.add(newest.lastOffset)
    }
    return offsets
  }

  /**
   * The batch as it was written before when this one repeats it, undefined when it is to be written. Throws
   * `AppendRefused` for an old epoch and for a sequence that does not follow.
   */
  check(buffer: Buffer, at: number, place: AppendPlace): ProducerBatch | undefined {
    const { name: where, isClient } = place
    const producerId = batch.producerId(buffer, at)
    const entry = this.#entries.get(producerId)
    if (entry === undefined) return undefined
    const epoch = batch.producerEpoch(buffer, at)
    const first = batch.baseSequence(buffer, at)
    if (epoch < entry.epoch) {
      throw new AppendRefused(
        errorCode.INVALID_PRODUCER_EPOCH,
        `Producer ${producerId} wrote to ${where} with epoch ${epoch}, but ${entry.epoch} is known: a newer instance of it has taken over.`,
      )
    }
    if (!isClient) return undefined
    if (epoch === entry.epoch) {
      const last = sequenceAfter(first, batch.lastOffsetDelta(buffer, at))
      const known = entry.batches.find(b => b.firstSequence === first && b.lastSequence === last)
      if (known !== undefined) return known
    }
    const newest = epoch === entry.epoch ? entry.batches.at(-1) : undefined
    const expected = newest === undefined ? 0 : sequenceAfter(newest.lastSequence, 1)
    if (first !== expected) {
      throw new AppendRefused(
        errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `Producer ${producerId} wrote to ${where} with sequence ${first} where ${expected} must follow: a batch before it is missing.`,
      )
    }
    return undefined
  }

  /** Remembers a batch that is in the log. `now` in milliseconds of the broker's clock. */
  update(buffer: Buffer, at: number, now: number): void {
    const producerId = batch.producerId(buffer, at)
    if (producerId < 0n) return
    const epoch = batch.producerEpoch(buffer, at)
    const firstSequence = batch.baseSequence(buffer, at)
    const baseOffset = batch.baseOffset(buffer, at)
    const delta = batch.lastOffsetDelta(buffer, at)
    const added = {
      firstSequence,
      lastSequence: sequenceAfter(firstSequence, delta),
      baseOffset,
      lastOffset: baseOffset + delta,
      logAppendTime: batch.isLogAppendTime(buffer, at) ? batch.maxTimestamp(buffer, at) : -1,
    }
    const entry = this.#entries.get(producerId)
    if (entry === undefined || entry.epoch !== epoch) {
      this.#entries.set(producerId, { producerId, epoch, batches: [added], lastSeenMs: now })
      return
    }
    if (entry.batches.length === rememberedBatches) entry.batches.shift()
    entry.batches.push(added)
    entry.lastSeenMs = now
  }

  /** Takes over an entry of a snapshot. */
  restore(entry: ProducerEntry): void {
    this.#entries.set(entry.producerId, entry)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** Forgets the producers that were last heard before `before` (milliseconds of the broker's clock). */
  expire(before: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.lastSeenMs < before) this.#entries.delete(entry.producerId)
    }
  }
}

/** Sequences count from 0 to 2^31 - 1 and then from 0 again. */
function sequenceAfter(sequence: number, count: number): number {
  if (sequence === noSequence) return noSequence
  return sequence > largestSequence - count
    ? count - (largestSequence - sequence) - 1
    : sequence + count
}
