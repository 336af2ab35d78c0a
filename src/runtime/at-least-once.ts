import type { CommittedOffset, LogProducer, PartitionBatch } from '../client/log-client.ts'
import {
  type Committer,
  type CommitLog,
  CommitUndone,
  isPassing,
  type SentBatch,
  StopRequested,
} from './commit-log.ts'
import type { Logger } from '../logger.ts'
import type { RefusedOutputs } from './refused-outputs.ts'

/**
 * Commits in two steps: outputs and changelog records, then, when these are acknowledged, the offsets. A crash in between
 * repeats the input.
 */
export class AtLeastOnce implements CommitLog {
  readonly fencesZombies = false
  readonly #producer: LogProducer
  readonly #refused: RefusedOutputs
  readonly #logger: Logger

  constructor(producer: LogProducer, refused: RefusedOutputs, logger: Logger) {
    this.#producer = producer
    this.#refused = refused
    this.#logger = logger
  }

  async ready(): Promise<void> {}

  async commit(
    batches: readonly PartitionBatch[],
    offsets: readonly CommittedOffset[],
    member: Committer,
  ): Promise<readonly SentBatch[]> {
    try {
      const sent = batches.length > 0 ? await this.#send(batches) : []
      if (offsets.length > 0) await member.commit(offsets)
      return sent
    } catch (error) {
      if (isPassing(error)) throw new CommitUndone(error.message, { cause: error })
      throw error instanceof StopRequested ? error.cause : error
    }
  }

  async write(batches: readonly PartitionBatch[]): Promise<void> {
    await this.#producer.send(batches)
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  /** What the log refused is sent again record by record, so that only what is to blame is left out. */
  async #send(batches: readonly PartitionBatch[]): Promise<SentBatch[]> {
    const failures: { batch: PartitionBatch; error: Error }[] = []
    const sent = await this.#producer.send(batches, (index, error) => {
      const batch = batches[index]
      if (batch !== undefined) failures.push({ batch, error })
    })
    for (const { batch, error } of failures) this.#refused.mustBeAskable(batch, error)
    try {
      for (const { batch, error } of failures) {
        await this.#refused.sift(batch, error, only => this.#trySend(only))
      }
    } catch (error) {
      try {
        await this.#sendDeadLetters()
      } catch (failure) {
        // The failure that they tell of is the one to report.
        this.#logger.error({ error: failure }, 'Dead letters could not be written')
      }
      throw error
    }
    await this.#sendDeadLetters()
    return batches.map((batch, index) => ({ ...batch, offset: sent[index]?.offset ?? -1 }))
  }

  /** A letter may be refused too, as large as what it tells of: the handler decides about it as well. */
  async #sendDeadLetters(): Promise<void> {
    const letters = await this.#refused.takeDeadLetters()
    if (letters.length > 0) await this.#send(letters)
  }

  async #trySend(only: PartitionBatch): Promise<Error | undefined> {
    let refusal: Error | undefined
    await this.#producer.send([only], (_, error) => {
      refusal = error
    })
    return refusal
  }
}
