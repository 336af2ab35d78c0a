import { recordCount, stampProducer } from '../protocol/record-batch.ts'
import type { TopicPartition } from './log-client.ts'
import { nextSequence } from './producer-sequence.ts'
import type { ProducerIdentity } from './producer-sequence.ts'

/** A batch between `send` and its acknowledgement. */
export interface QueuedBatch {
  readonly batch: Buffer
  /** When to give up, on the monotonic clock. */
  readonly deadline: number
  acknowledged(baseOffset: number): void
  failed(error: Error): void
  /** Set when the batch is first sent, and kept for every repetition: by it the broker recognises duplicates. */
  identity: ProducerIdentity | null
}

/**
 * The batches of one partition in their order. Several are in flight at once; after a failure the queue waits until
 * none is, and repeats one at a time until one succeeds, so that nothing overtakes. Only one is in flight, too, until
 * the first of an identity is acknowledged: a broker that knows nothing of a producer accepts any sequence, also one
 * behind a gap.
 */
export class ProducerQueue implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Not before this time of the monotonic clock. */
  retryAt = 0
  failures = 0
  #batches: QueuedBatch[] = []
  readonly #inFlight = new Set<QueuedBatch>()
  /** The broker that those in flight were sent to. */
  #nodeId = -1
  #identity: ProducerIdentity | null = null
  #sequence = 0
  #oneAtATime = true

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
  }

  get first(): QueuedBatch | undefined {
    return this.#batches[0]
  }

  push(batch: QueuedBatch): void {
    this.#batches.push(batch)
  }

  /** The batch that may go to the broker now; `identity` is what a batch on its first way out would be stamped with. */
  next(nodeId: number, identity: ProducerIdentity | null): QueuedBatch | undefined {
    const batch = this.#batches.find(each => !this.#inFlight.has(each))
    if (batch === undefined || (batch.identity === null && identity === null)) return undefined
    if (this.#inFlight.size === 0) return batch
    const changesIdentity = batch.identity === null && identity !== this.#identity
    const mustWait = this.#oneAtATime || changesIdentity || nodeId !== this.#nodeId
    return mustWait ? undefined : batch
  }

  /** Counts the batch as in flight, and stamps it if it goes out for the first time. */
  send(batch: QueuedBatch, nodeId: number, identity: ProducerIdentity | null): void {
    if (batch.identity === null && identity !== null) this.#stamp(batch, identity)
    this.#inFlight.add(batch)
    this.#nodeId = nodeId
  }

  #stamp(queued: QueuedBatch, identity: ProducerIdentity): void {
    if (identity !== this.#identity) {
      this.#identity = identity
      this.#sequence = 0
      this.#oneAtATime = true
    }
    queued.identity = identity
    stampProducer(queued.batch, { ...identity, baseSequence: this.#sequence })
    this.#sequence = nextSequence(this.#sequence, recordCount(queued.batch))
  }

  acknowledge(queued: QueuedBatch, baseOffset: number): void {
    // Not there when its queue was failed meanwhile: then its sender knows already.
    if (!this.#inFlight.delete(queued)) return
    const at = this.#batches.indexOf(queued)
    this.#batches.splice(at, 1)
    if (at === 0) {
      this.#oneAtATime = false
      this.failures = 0
    }
    queued.acknowledged(baseOffset)
  }

  /** Puts the batch back in its place, to be sent again with the same sequence. */
  repeat(queued: QueuedBatch): void {
    if (!this.#inFlight.delete(queued)) return
    this.#oneAtATime = true
  }

  /** Fails every batch, those in flight too: nothing may be written behind a gap. */
  fail(error: Error): void {
    const failed = this.#batches
    this.#batches = []
    this.#inFlight.clear()
    // What the broker wrote of them is unknown, so this identity's next sequence is, too.
    this.#identity = null
    this.failures = 0
    for (const queued of failed) queued.failed(error)
  }
}
