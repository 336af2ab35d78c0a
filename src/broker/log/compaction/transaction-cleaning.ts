import type { RecordReader } from '../../../protocol/record-batch-reader.ts'
import * as batch from '../../../protocol/record-batch.ts'
import type { AbortedTransaction } from '../aborted-transactions.ts'
import { withDeleteHorizon } from './clean-batch.ts'

/**
 * What compaction must know of transactions while it goes over a log from its start: which batches were aborted, and which
 * markers still end something. A marker goes in two rounds, as a tombstone does: the first that finds nothing left of its
 * transaction gives it a delete horizon, so that a reader who is in the middle of the transaction still meets the marker.
 * (Kafka: CleanedTransactionMetadata; KIP-534.)
 */
export class TransactionCleaning {
  readonly #aborted = new Map<bigint, AbortedTransaction[]>()
  /** Producers of whose current transaction a batch has stayed. */
  readonly #withData = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    for (const transaction of aborted) {
      const known = this.#aborted.get(transaction.producerId)
      if (known === undefined) this.#aborted.set(transaction.producerId, [transaction])
      else known.push(transaction)
    }
  }

  isAborted(bytes: Buffer): boolean {
    if (this.#aborted.size === 0 || !batch.isTransactional(bytes)) return false
    const offset = batch.baseOffset(bytes)
    const transactions = this.#aborted.get(batch.producerId(bytes)) ?? []
    return transactions.some(
      ({ firstOffset, lastOffset }) => firstOffset <= offset && offset <= lastOffset,
    )
  }

  /** The data batch stays, be it without records. */
  keep(bytes: Buffer): void {
    if (batch.isTransactional(bytes)) this.#withData.add(batch.producerId(bytes))
  }

  /** What stays of a marker; null when it goes. `horizon`: the time from which it may go if nothing holds it now. */
  cleanMarker(
    bytes: Buffer,
    reader: RecordReader,
    { now, horizon }: { readonly now: number; readonly horizon: number },
  ): Buffer | null {
    if (this.#withData.delete(batch.producerId(bytes))) return bytes
    const stamped = batch.deleteHorizon(bytes)
    if (stamped < 0) return withDeleteHorizon(bytes, reader, horizon)
    return stamped <= now ? null : bytes
  }
}
