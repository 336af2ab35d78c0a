/** Names as DescribeTransactions and ListTransactions show them. */
export type TransactionPhase =
  'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort'

/** An instance of a producer: a later one with the same transactional id has a higher epoch, or another id. */
export interface ProducerInstance {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Topic to numbers of partitions. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>

/**
 * What is known of one transactional id: its producer and the latest transaction. It never changes: `step` makes the next
 * one, which takes the place of this one once it is written. All of it is in the record but the last three fields.
 */
export interface Transaction extends ProducerInstance {
  readonly transactionalId: string
  readonly phase: TransactionPhase
  /**
   * The instance that the producer named when it asked for the present one (KIP-360), so that it gets the same answer when
   * it asks again. Null when the present one was made without.
   */
  readonly previous: ProducerInstance | null
  readonly timeoutMs: number
  /** Where the transaction may have written, until it is complete. */
  readonly partitions: TopicPartitions
  /** Wall-clock milliseconds of the first partition's arrival; -1 outside of a transaction. */
  readonly startedMs: number
  /** Wall-clock milliseconds of the latest change. */
  readonly updatedMs: number
  /** On the monotonic clock: when an ongoing transaction times out, or an idle id expires. Infinity when neither can be. */
  readonly deadlineMs: number
  /** The connection that spoke last for this producer; 0 when none has since this instance began or the broker did. */
  readonly connection: number
  /** The newest connection there was then: of the others, up to this one, whatever comes was overtaken. */
  readonly newestConnection: number
}

export interface TransactionSettings {
  readonly transactionMaxTimeoutMs: number
  readonly transactionalIdExpirationMs: number
}

export const noPartitions: TopicPartitions = new Map()

/**
 * The last epoch that a producer is given: the next one, and there is only one more, is for fencing it. After that its
 * transactional id goes on with another producer id.
 */
export const lastGivenEpoch = 32766

/** The outcome is decided and the markers are on their way. */
export function isPrepared(transaction: Transaction): boolean {
  return transaction.phase === 'PrepareCommit' || transaction.phase === 'PrepareAbort'
}

export function isSameInstance(a: ProducerInstance, b: ProducerInstance): boolean {
  return a.producerId === b.producerId && a.producerEpoch === b.producerEpoch
}

export function hasPartition(
  partitions: TopicPartitions,
  topic: string,
  partition: number,
): boolean {
  return partitions.get(topic)?.has(partition) ?? false
}

/** Both together; the first itself when it has everything already. */
export function unionOf(known: TopicPartitions, more: TopicPartitions): TopicPartitions {
  let union: Map<string, ReadonlySet<number>> | null = null
  for (const [topic, partitions] of more) {
    const before = known.get(topic)
    const after = before === undefined ? partitions : new Set([...before, ...partitions])
    if (before !== undefined && after.size === before.size) continue
    union ??= new Map(known)
    union.set(topic, after)
  }
  return union ?? known
}
