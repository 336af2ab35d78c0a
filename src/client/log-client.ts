import { MillraceError } from '../errors.ts'

/**
 * The port through which the runtime reaches a log, whichever it is: the embedded broker in the same process, the
 * bundled broker over TCP, or a real Apache Kafka. Narrow, and batched at every boundary: record batches pass through
 * as bytes and are decoded by whoever needs the records.
 *
 * Both implementations pass one contract suite (`test/client/log-client-contract.ts`).
 */
export interface LogClient {
  /** Topics as they are now; a name without a topic is absent from the map. All topics when `names` is omitted. */
  describeTopics(names?: readonly string[]): Promise<Map<string, TopicDescription>>
  /** Creates topics and waits until they have leaders; one that exists already is left as it is. */
  createTopics(topics: readonly NewTopic[]): Promise<void>
  /**
   * Settings of topics, as they count there: set for the topic, or for all. Under Kafka's names; of those in `keys` only. Throws
   * UNAUTHORIZED without the right to DescribeConfigs.
   */
  topicConfigs(
    names: readonly string[],
    keys: readonly string[],
  ): Promise<Map<string, ReadonlyMap<string, string>>>
  /** Deletes topics and waits until they are gone; one that does not exist is fine. */
  deleteTopics(names: readonly string[]): Promise<void>
  /** Removes the records below the given offsets. Throws LOG_ERROR for an offset beyond the end of the log. */
  deleteRecords(before: readonly PartitionOffset[]): Promise<void>
  /**
   * Offsets by position: `earliest`, `latest` (the next offset to be written), `lastStable` (up to where readCommitted reads:
   * the first transaction that is open, or `latest`), or of the first record at or after a timestamp in milliseconds (-1 when
   * there is none).
   */
  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): Promise<PartitionOffset[]>
  /** What a group has committed; partitions without a commit are absent. */
  committedOffsets(group: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]>
  /** A reader of partitions that the caller assigns by hand. */
  consumer(options?: ConsumerOptions): LogConsumer
  /** An idempotent writer of record batches. */
  producer(): Promise<LogProducer>
  /**
   * A writer of transactions. Ends what the last producer of the same transactional id left open, and fences it: from
   * now on it is refused with TASK_MIGRATED.
   */
  transactionalProducer(options: TransactionOptions): Promise<TransactionalProducer>
  /** Joins a group under the classic membership protocol. */
  joinGroup(options: GroupOptions): GroupMember
  /**
   * Closes every connection; consumers, producers and members made by this client end with it. Members do not leave
   * their group: a static one keeps its place for its successor, others are missed after the session timeout.
   */
  close(): Promise<void>
}

/** A position in a partition; a number is a timestamp in milliseconds. */
export type OffsetSpec = 'earliest' | 'latest' | 'lastStable' | number

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: number
}

export interface CommittedOffset extends PartitionOffset {
  readonly metadata: string
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
  readonly internal: boolean
}

/** What an administrator does with a group, without being a member of it. The runtime does without. */
export interface GroupAdmin {
  /** State and members of a group; its state is `Dead` when there is none of that name. */
  describeGroup(group: string): Promise<GroupDescription>
  /** Sets what a group has committed, from outside. Throws GROUP_NOT_EMPTY while it has members. */
  commitOffsets(group: string, offsets: readonly CommittedOffset[]): Promise<void>
  /** Removes all members of a group. Those that are alive join again. */
  removeMembers(group: string): Promise<void>
}

export interface GroupDescription {
  /** Kafka's name of it: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead. */
  readonly state: string
  readonly members: readonly {
    readonly memberId: string
    /** Of a static member. */
    readonly instanceId: string | null
    readonly clientId: string
    readonly clientHost: string
  }[]
}

export interface NewTopic {
  readonly name: string
  /** Number of partitions; the broker's default when omitted. */
  readonly partitions?: number
  /** Number of replicas of each partition; the broker's default when omitted. */
  readonly replicationFactor?: number
  /** Topic settings under Kafka's names, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface ConsumerOptions {
  /** Upper bound of bytes that one poll returns. @defaultValue 8 MiB */
  readonly maxBytes?: number
  /** Upper bound of bytes per partition and poll; one batch is always returned. @defaultValue 1 MiB */
  readonly maxPartitionBytes?: number
  /**
   * `readCommitted` reads up to the first transaction that is open, and nothing of those that were aborted.
   * @defaultValue 'readUncommitted'
   */
  readonly isolation?: Isolation
}

export type Isolation = 'readUncommitted' | 'readCommitted'

export interface LogConsumer {
  /** Replaces the assignment. Partitions that stay keep their position; new ones start at the given offset. */
  assign(partitions: readonly PartitionOffset[]): void
  seek(position: PartitionOffset): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /**
   * The next batches of the assigned, unpaused partitions, in offset order per partition; empty when nothing arrived
   * within `maxWaitMs`, or when `assign`, `seek`, `resume` or `close` interrupted the wait. Positions move past what is
   * returned. Fetching goes on while the caller works on what it got, up to `maxBytes` ahead. A position outside the log
   * throws `OffsetOutOfRange`; batches whose checksum is wrong throw CORRUPT_DATA. One poll at a time.
   */
  poll(maxWaitMs: number): Promise<FetchedPartition[]>
  /** The next offset to be polled. */
  position(partition: TopicPartition): number
  close(): Promise<void>
}

/** Polling reached a position that the log does not hold (any more). `seek` to go on. */
export class OffsetOutOfRange extends MillraceError implements PartitionOffset {
  override readonly name = 'OffsetOutOfRange'
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** First offset that the log holds. */
  readonly logStartOffset: number
  /** Next offset to be written. */
  readonly logEndOffset: number

  constructor(position: PartitionOffset, logStartOffset: number, logEndOffset: number) {
    const { topic, partition, offset } = position
    super(
      'LOG_ERROR',
      `Offset ${offset} of partition ${topic}-${partition} is outside the log, which starts at ` +
        `${logStartOffset} and ends before ${logEndOffset}. Seek to an offset in between.`,
    )
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.logStartOffset = logStartOffset
    this.logEndOffset = logEndOffset
  }
}

export interface FetchedPartition extends TopicPartition {
  /**
   * Complete record batches, as stored. The first may begin before `offset`: skip the records below it. Markers of
   * transactions are among them; batches of aborted ones are not under `readCommitted`, so there may be none at all.
   */
  readonly batches: Buffer
  /** Position before this fetch. */
  readonly offset: number
  /** Position after it. */
  readonly nextOffset: number
  /** End of what readers may see. Lag is `highWatermark - nextOffset`. */
  readonly highWatermark: number
}

export interface LogProducer {
  /**
   * Appends one record batch per entry, encoded by `RecordBatchBuilder` without producer fields: the producer stamps
   * its id, epoch and sequence into the caller's buffer, which must not be touched again. Batches of one partition are
   * written in the order of the calls. Resolves, in the order of the entries, when all are acknowledged by all in-sync
   * replicas. Retriable failures are retried here, without duplicates. When a batch fails for good, so do the batches
   * behind it in its partition: the log never has a gap. Whether a failed batch was written is not known, unless the log
   * refused it.
   *
   * With `failed` the promise resolves when all batches are acknowledged or have failed, each of which `failed` is told of by
   * its index, in the order of the partition; their offsets are -1. Without, it rejects with the first error. In a transaction
   * all fail together, and the first that `failed` is told of is why.
   */
  send(
    batches: readonly PartitionBatch[],
    failed?: (index: number, error: Error) => void,
  ): Promise<PartitionOffset[]>
  /** Rejects with CLOSED what is not acknowledged yet: await `send` first. */
  close(): Promise<void>
}

export interface TransactionOptions {
  /** One name for each writer: whoever opens it anew takes over from the last. */
  readonly transactionalId: string
  /** After how long the coordinator aborts a transaction that is still open, in milliseconds. @defaultValue 60000 */
  readonly transactionTimeoutMs?: number
}

/**
 * Writes transactions, one after another (KIP-98). One begins with the first `send` or `sendOffsets` after the end of
 * the last. Once anything in it has failed, it can only be aborted: other calls are rejected with the first error until
 * then. Where `abort` is rejected, nobody knows how the transaction ended, or this producer was fenced: close it and
 * open the next, which finds everything ended.
 */
export interface TransactionalProducer extends LogProducer {
  /**
   * Makes offsets of a group part of the transaction: they count when it is committed. Rejects with TASK_MIGRATED when the
   * group has moved on without the member (KIP-447).
   */
  sendOffsets(offsets: readonly CommittedOffset[], member: OffsetCommitter): Promise<void>
  /**
   * Waits for everything that was sent and commits it; does nothing where no transaction has begun. Rejects without
   * committing when something of it had failed. When the coordinator does not answer for good, whether the transaction is
   * committed is not known: `abort` is rejected then.
   */
  commit(): Promise<void>
  /** Takes back everything since the last end; what is not acknowledged yet fails. Does nothing where nothing has begun. */
  abort(): Promise<void>
}

export interface PartitionBatch extends TopicPartition {
  readonly batch: Buffer
}

/**
 * Membership is cooperative (KIP-429): a member works on while the group rebalances, and gives up only what the new
 * generation takes from it. So `assign` must not give to one member what another one still has: it leaves it out, the
 * owner sees that, finishes with it and calls `rejoin`, and the next generation gives it away.
 *
 * A callback that throws ends the membership: the member leaves and `failed` is called.
 */
export interface GroupOptions {
  readonly group: string
  /** Static membership: a restart under the same id takes the old member's place without a rebalance. */
  readonly instanceId?: string
  /** Topics of the subscription, as other tools see them. Read anew at every join, as `userData` is. */
  readonly topics: readonly string[]
  /**
   * Opaque to the broker, handed to the leader's `assign`: what the member has belongs here. Read anew at every join, so
   * it may be a getter.
   */
  readonly userData: Buffer
  /** Name of the assignment protocol; all members must share it. */
  readonly protocol: string
  /** After how many milliseconds of silence the group goes on without this member. */
  readonly sessionTimeoutMs: number
  /** How many milliseconds the others wait for this member to join a new generation. */
  readonly rebalanceTimeoutMs: number
  /** Called on the member that the broker chose as leader. */
  assign(members: readonly GroupMemberInfo[]): Promise<GroupAssignment[]>
  /**
   * All that this member has in a new generation. From here on commits are of this generation. Takes note and returns: the
   * next generation, which may come soon, does not wait until it has been acted upon.
   */
  assigned(assignment: GroupAssignment, generation: number): void
  /**
   * The group has given everything away: stop at once, nothing can be committed. The member joins again, as one that has
   * nothing, when the promise resolves.
   */
  lost(): Promise<void>
  /** Membership failed for good; no other callback follows. */
  failed(error: Error): void
}

export interface GroupMemberInfo {
  readonly memberId: string
  readonly instanceId: string | null
  /** The last generation in which it was given anything, which it may still have; -1 when it has nothing. */
  readonly generation: number
  readonly topics: readonly string[]
  readonly userData: Buffer
}

export interface GroupAssignment {
  readonly memberId: string
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer
}

/** Who commits offsets: a member of a generation of a group. */
export interface GroupIdentity {
  readonly group: string
  readonly memberId: string
  readonly generation: number
  readonly instanceId: string | null
}

/** For whom offsets are committed in a transaction. */
export interface OffsetCommitter {
  /** The newest generation in which the member has a share. Throws TASK_MIGRATED while it has none. */
  identity(): GroupIdentity
  /**
   * The identity after one that the group refused because it has moved on: waits for the rebalance to end. Throws
   * TASK_MIGRATED when the group has moved on without the member.
   */
  renewed(refused: GroupIdentity): Promise<GroupIdentity>
}

export interface GroupMember extends OffsetCommitter {
  /**
   * False for the moment between the beginning of a generation and the member's share of it, in which a commit would wait for
   * the share. A rebalance before that moment does not stop commits.
   */
  readonly commitsAtOnce: boolean
  /**
   * Commits with this member's generation, which may be one that begins meanwhile: what the member has stays its own until
   * it gives it up. Refused with TASK_MIGRATED when the group has moved on without the member.
   */
  commit(offsets: readonly CommittedOffset[]): Promise<void>
  /** Asks for a rebalance, for which what `topics` and `userData` say from now on counts. */
  rejoin(): void
  /** Leaves the group; the others rebalance at once. No callback begins after the call. */
  leave(): Promise<void>
  /**
   * Ends the membership without a word, likewise: a static member keeps its place and what it has until the session times out,
   * and takes it up again when it joins before. Others are missed then.
   */
  close(): Promise<void>
}
