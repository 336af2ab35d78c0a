/**
 * What the partition remembers of each idempotent producer, so that a batch that is sent again is not written again, a
 * gap is noticed, and it is known which transactions are open here (Kafka: ProducerStateManager, ProducerAppendInfo). It
 * is a function of the log: rebuilt by replaying the batches behind the newest snapshot.
 */
import { AppendRefused } from './append-refused.ts'
import * as batch from '../../protocol/record-batch.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { type EndTransactionMarker, readMarker } from '../../protocol/control-batch.ts'
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
  /** Of the coordinator that wrote the last marker; -1 before the first. */
  coordinatorEpoch: number
  /** Where the open transaction begins; -1 when there is none. */
  transactionStart: number
}

/** A transaction that a marker has just ended in this partition. */
export interface CompletedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

const rememberedBatches = 5
const largestSequence = 0x7fffffff
/** What batches have instead of sequences that a coordinator wrote for a producer. */
const noSequence = -1

export class ProducerState {
  readonly #entries = new Map<bigint, ProducerEntry>()
  /** Producers with an open transaction, in the order in which their transactions began. */
  readonly #open = new Map<bigint, number>()

  get entries(): Iterable<ProducerEntry> {
    return this.#entries.values()
  }

  /** Where the earliest of the open transactions begins; undefined when there is none. */
  get firstOpenOffset(): number | undefined {
    if (this.#open.size === 0) return undefined
    return this.#open.values().next().value
  }

  /** The producer's open transaction begins in this partition. */
  isOpen(producerId: bigint): boolean {
    return this.#open.has(producerId)
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

  /** Of the producer nothing but a marker of this epoch is known: the epoch can be rebuilt from that marker only. */
  hasOnlyMarker(producerId: bigint, epoch: number): boolean {
    const entry = this.#entries.get(producerId)
    return entry !== undefined && entry.epoch === epoch && entry.batches.length === 0
  }

  /**
   * The batch as it was written before when this one repeats it, undefined when it is to be written. Throws
   * `AppendRefused` for an old epoch, for a sequence that does not follow, and for a batch outside of the transaction
   * that its producer has open here.
   */
  check(buffer: Buffer, at: number, place: AppendPlace): ProducerBatch | undefined {
    const { name: where, isClient } = place
    const producerId = batch.producerId(buffer, at)
    const entry = this.#entries.get(producerId)
    if (entry === undefined) return undefined
    const epoch = batch.producerEpoch(buffer, at)
    const first = batch.baseSequence(buffer, at)
    if (epoch < entry.epoch) throw refusedEpoch(producerId, where, epoch, entry.epoch)
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
    if (entry.transactionStart >= 0 && !batch.isTransactional(buffer, at)) {
      throw new AppendRefused(
        errorCode.INVALID_TXN_STATE,
        `Producer ${producerId} wrote to ${where} outside of the transaction that it has open there: end the transaction first.`,
      )
    }
    return undefined
  }

  /** Throws `AppendRefused` for a marker of an older producer or coordinator. */
  checkMarker(
    producerId: bigint,
    epoch: number,
    { coordinatorEpoch }: EndTransactionMarker,
    where: string,
  ): void {
    const entry = this.#entries.get(producerId)
    if (entry === undefined) return
    if (coordinatorEpoch < entry.coordinatorEpoch) {
      throw new AppendRefused(
        errorCode.TRANSACTION_COORDINATOR_FENCED,
        `A marker of producer ${producerId} for ${where} came from coordinator epoch ${coordinatorEpoch}, but ${entry.coordinatorEpoch} is known: a newer coordinator has taken over.`,
      )
    }
    if (epoch < entry.epoch) throw refusedEpoch(producerId, where, epoch, entry.epoch)
  }

  /**
   * Remembers a batch that is in the log; returns the transaction that it ended, if it is a marker that ended one. `now`
   * in milliseconds of the broker's clock.
   */
  update(buffer: Buffer, at: number, now: number): CompletedTransaction | undefined {
    const producerId = batch.producerId(buffer, at)
    if (producerId < 0n) return undefined
    const entry = this.#entryIn(producerId, batch.producerEpoch(buffer, at))
    entry.lastSeenMs = now
    if (batch.isControl(buffer, at)) return this.#end(entry, buffer, at)
    const firstSequence = batch.baseSequence(buffer, at)
    const baseOffset = batch.baseOffset(buffer, at)
    const delta = batch.lastOffsetDelta(buffer, at)
    if (entry.batches.length === rememberedBatches) entry.batches.shift()
    entry.batches.push({
      firstSequence,
      lastSequence: sequenceAfter(firstSequence, delta),
      baseOffset,
      lastOffset: baseOffset + delta,
      logAppendTime: batch.isLogAppendTime(buffer, at) ? batch.maxTimestamp(buffer, at) : -1,
    })
    if (entry.transactionStart < 0 && batch.isTransactional(buffer, at)) {
      entry.transactionStart = baseOffset
      this.#open.set(producerId, baseOffset)
    }
    return undefined
  }

  #entryIn(producerId: bigint, epoch: number): ProducerEntry {
    const known = this.#entries.get(producerId)
    if (known?.epoch === epoch) return known
    if (known === undefined) {
      const entry: ProducerEntry = {
        producerId,
        epoch,
        batches: [],
        lastSeenMs: -1,
        coordinatorEpoch: -1,
        transactionStart: -1,
      }
      this.#entries.set(producerId, entry)
      return entry
    }
    known.epoch = epoch
    known.batches = []
    return known
  }

  #end(entry: ProducerEntry, buffer: Buffer, at: number): CompletedTransaction | undefined {
    const marker = readMarker(buffer, at)
    if (marker === null) return undefined
    const { producerId, transactionStart } = entry
    entry.coordinatorEpoch = marker.coordinatorEpoch
    if (transactionStart < 0) return undefined
    entry.transactionStart = -1
    this.#open.delete(producerId)
    return {
      producerId,
      firstOffset: transactionStart,
      lastOffset: batch.nextOffset(buffer, at) - 1,
      isAborted: marker.type === 'abort',
    }
  }

  /** Takes over the entries of a snapshot. */
  restore(entries: readonly ProducerEntry[]): void {
    for (const entry of entries) this.#entries.set(entry.producerId, entry)
    const open = entries.filter(entry => entry.transactionStart >= 0)
    open.sort((a, b) => a.transactionStart - b.transactionStart)
    for (const { producerId, transactionStart } of open)
      this.#open.set(producerId, transactionStart)
  }

  clear(): void {
    this.#entries.clear()
    this.#open.clear()
  }

  /**
   * Forgets the producers that were last heard before `before` (milliseconds of the broker's clock) and have no open
   * transaction.
   */
  expire(before: number): void {
    for (const entry of this.#entries.values()) {
      const isIdle = entry.lastSeenMs < before && entry.transactionStart < 0
      if (isIdle) this.#entries.delete(entry.producerId)
    }
  }
}

function refusedEpoch(
  producerId: bigint,
  where: string,
  epoch: number,
  known: number,
): AppendRefused {
  return new AppendRefused(
    errorCode.INVALID_PRODUCER_EPOCH,
    `Producer ${producerId} wrote to ${where} with epoch ${epoch}, but ${known} is known: a newer instance of it has taken over.`,
  )
}

/** Sequences count from 0 to 2^31 - 1 and then from 0 again. */
function sequenceAfter(sequence: number, count: number): number {
  if (sequence === noSequence) return noSequence
  return sequence > largestSequence - count
    ? count - (largestSequence - sequence) - 1
    : sequence + count
}
