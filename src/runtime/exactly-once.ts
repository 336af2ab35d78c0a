/**
 * Commits in one transaction of the log (KIP-98, KIP-447; Kafka's exactly_once_v2): outputs, changelog records and the
 * offsets of the input count together or not at all. One producer per instance. A transaction begins with the first batch
 * of a commit and ends with it, so it is short: what tasks write waits in memory until then.
 *
 * Whatever fails, the commit is undone: the producer is dropped, and the next one, opened under the same transactional id,
 * ends what the last one left open. Only then do tasks look up where they go on, because only then does the log know which
 * offsets count. Whether a commit whose answer was lost did count is settled in this way, too.
 */
import assert from 'node:assert/strict'
import type {
  CommittedOffset,
  LogClient,
  PartitionBatch,
  TransactionalProducer,
  TransactionOptions,
} from '../client/log-client.ts'
import type { Logger } from '../logger.ts'
import {
  type Committer,
  type CommitLog,
  CommitUndone,
  isMigration,
  isPassing,
  type SentBatch,
  StopRequested,
} from './commit-log.ts'
import { orAborted } from './or-aborted.ts'
import type { RefusedOutputs } from './refused-outputs.ts'

export interface ExactlyOnceOptions {
  readonly client: Pick<LogClient, 'transactionalProducer'>
  readonly transaction: TransactionOptions
  readonly refused: RefusedOutputs
  readonly logger: Logger
}

export class ExactlyOnce implements CommitLog {
  readonly fencesZombies = true
  readonly #options: ExactlyOnceOptions
  #producer: TransactionalProducer | null = null
  #opening: Promise<void> | null = null
  #closed = false
  readonly #gaveUp = Promise.withResolvers<void>()

  constructor(options: ExactlyOnceOptions) {
    this.#options = options
  }

  /** Opens a producer, which ends what the last one left open. */
  async open(): Promise<void> {
    const { client, transaction } = this.#options
    const producer = await client.transactionalProducer(transaction)
    if (this.#closed) await producer.close()
    else this.#producer = producer
  }

  async ready(signal: AbortSignal): Promise<void> {
    if (this.#producer === null) await orAborted(this.#openNext(), signal)
  }

  async commit(
    batches: readonly PartitionBatch[],
    offsets: readonly CommittedOffset[],
    member: Committer,
  ): Promise<readonly SentBatch[]> {
    try {
      return await this.#commit(batches, offsets, member)
    } catch (error) {
      if (error instanceof CommitUndone || isPassing(error) || isMigration(error)) {
        this.#drop()
        throw isPassing(error) ? new CommitUndone(error.message, { cause: error }) : error
      }
      await this.#takeBack()
      throw error instanceof StopRequested ? error.cause : error
    }
  }

  async #commit(
    batches: readonly PartitionBatch[],
    offsets: readonly CommittedOffset[],
    member: Committer,
  ): Promise<readonly SentBatch[]> {
    let left = batches
    for (;;) {
      const attempt = await this.#attempt(left, offsets, member)
      if ('sent' in attempt) return attempt.sent
      left = await this.#withoutRefused(left, attempt.refused, attempt.error)
    }
  }

  /** One transaction, unless the log refuses a batch: then nothing of it counts. */
  async #attempt(
    batches: readonly PartitionBatch[],
    offsets: readonly CommittedOffset[],
    member: Committer,
  ): Promise<{ sent: readonly SentBatch[] } | { refused: number; error: Error }> {
    const producer = this.#current()
    let refusal: { refused: number; error: Error } | undefined
    const refused = (index: number, error: Error): void => {
      refusal ??= { refused: index, error }
    }
    const sending = batches.length > 0 ? producer.send(batches, refused) : Promise.resolve([])
    const sendingOffsets =
      offsets.length > 0 ? producer.sendOffsets(offsets, member) : Promise.resolve()
    const [sent, sentOffsets] = await Promise.allSettled([sending, sendingOffsets])
    // The group's word comes first: who has lost the tasks need not ask about their records.
    if (sentOffsets.status === 'rejected' && isMigration(sentOffsets.reason)) {
      throw sentOffsets.reason
    }
    if (refusal !== undefined) return refusal
    if (sent.status === 'rejected') throw sent.reason
    if (sentOffsets.status === 'rejected') throw sentOffsets.reason
    await producer.commit()
    const { value } = sent
    return { sent: batches.map((batch, i) => ({ ...batch, offset: value[i]?.offset ?? -1 })) }
  }

  /**
   * Finds out which records of a batch the log refuses, in transactions that never count, and asks what to do about them. Returns
   * the batches to commit instead, with the dead letters behind them.
   */
  async #withoutRefused(
    batches: readonly PartitionBatch[],
    index: number,
    error: Error,
  ): Promise<PartitionBatch[]> {
    const batch = batches[index]
    assert(batch !== undefined)
    const { refused } = this.#options
    refused.mustBeAskable(batch, error)
    const producer = this.#current()
    await producer.abort()
    const trySend = async (only: PartitionBatch): Promise<Error | undefined> => {
      let refusal: Error | undefined
      await producer.send([copyOf(only)], (_, reason) => {
        refusal = reason
      })
      if (refusal !== undefined) await producer.abort()
      return refusal
    }
    let kept: PartitionBatch[]
    try {
      kept = await refused.sift(batch, error, trySend)
    } catch (failure) {
      try {
        await this.write(await refused.takeDeadLetters())
      } catch (unwritten) {
        // The failure that they tell of is the one to report.
        this.#options.logger.error({ error: unwritten }, 'Dead letters could not be written')
      }
      throw failure
    }
    await producer.abort()
    const [before, after] = [batches.slice(0, index), batches.slice(index + 1)]
    const letters = await refused.takeDeadLetters()
    return [...before.map(copyOf), ...kept, ...after.map(copyOf), ...letters]
  }

  async write(batches: readonly PartitionBatch[]): Promise<void> {
    const producer = this.#current()
    await producer.abort()
    if (batches.length === 0) return
    await producer.send(batches)
    await producer.commit()
  }

  /**
   * Waits for a producer that is being opened, since it ends the transaction that the last one may have left open, which others
   * would have to wait for. Who calls it once more waits no longer.
   */
  async close(): Promise<void> {
    if (this.#closed) this.#gaveUp.resolve()
    this.#closed = true
    await this.#producer?.close()
    const opened = this.#opening?.catch(() => {})
    await Promise.race([opened, this.#gaveUp.promise])
  }

  #current(): TransactionalProducer {
    assert(this.#producer !== null, 'tasks work only while there is a producer')
    return this.#producer
  }

  /** The application stops: others need not wait until the transaction has timed out. */
  async #takeBack(): Promise<void> {
    try {
      await this.#producer?.abort()
    } catch (error) {
      // Why the application stops is the error to report.
      this.#options.logger.warn(
        { error },
        'The transaction of a failed commit could not be aborted',
      )
    }
  }

  /** Gives up the producer, and opens the next one in the background. */
  #drop(): void {
    const dropped = this.#producer
    this.#producer = null
    dropped?.close().catch((error: unknown) => {
      this.#options.logger.warn({ error }, 'A producer could not be closed')
    })
    // The next task that starts tries again.
    this.#openNext().catch((error: unknown) => {
      this.#options.logger.warn({ error }, 'No transaction can be begun for now')
    })
  }

  #openNext(): Promise<void> {
    return (this.#opening ??= this.open().finally(() => {
      this.#opening = null
    }))
  }
}

/** The producer stamps what it is given, and the log may still hold that. */
const copyOf = (batch: PartitionBatch): PartitionBatch => ({
  ...batch,
  batch: Buffer.from(batch.batch),
})
