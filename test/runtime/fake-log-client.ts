import assert from 'node:assert/strict'
import {
  type CommittedOffset,
  type ConsumerOptions,
  type FetchedPartition,
  type GroupIdentity,
  type GroupMember,
  type GroupOptions,
  type LogClient,
  type LogConsumer,
  type LogProducer,
  type NewTopic,
  OffsetOutOfRange,
  type OffsetCommitter,
  type OffsetSpec,
  type PartitionBatch,
  type PartitionOffset,
  type TopicPartition,
  type TransactionOptions,
  type TransactionalProducer,
} from '../../src/client/log-client.ts'
import { ProducerFenced } from '../../src/client/errors.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Timer, Timers } from '../../src/platform/platform.ts'
import { buildControlBatch } from '../../src/protocol/control-batch.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

interface StoredBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly bytes: Buffer
  /** What it is part of. */
  readonly transaction?: FakeTransaction | undefined
}

/**
 * A log in memory with the semantics that `LogClient` promises and nothing else: no sockets, no broker. Each client of
 * it is one process; `disconnect()` is what kill -9 looks like from the log's side. `fault` is called before each
 * effect that a commit depends on and may throw in its place.
 */
export class FakeLog {
  readonly topics = new Map<string, StoredBatch[][]>()
  readonly configs = new Map<string, Readonly<Record<string, string>>>()
  readonly committed = new Map<string, Map<string, CommittedOffset>>()
  readonly groups = new Map<string, FakeGroup>()
  fault: (step: 'send' | 'commit' | 'end', client: FakeLogClient) => void = () => {}
  readonly producers = new Map<string, FakeTransactionalProducer>()
  readonly #timers: Timers
  #waiting: (() => void)[] = []

  constructor(timers: Timers) {
    this.#timers = timers
  }

  client(): FakeLogClient {
    return new FakeLogClient(this)
  }

  partition({ topic, partition }: TopicPartition): StoredBatch[] {
    const batches = this.topics.get(topic)?.[partition]
    if (batches === undefined) {
      throw new MillraceError('LOG_ERROR', `There is no partition ${topic}-${partition}.`)
    }
    return batches
  }

  endOffset(partition: TopicPartition): number {
    return this.partition(partition).at(-1)?.nextOffset ?? 0
  }

  startOffset(partition: TopicPartition): number {
    return this.partition(partition)[0]?.baseOffset ?? 0
  }

  /** Up to where committed records are read. */
  lastStableOffset(partition: TopicPartition): number {
    const open = this.partition(partition).find(batch => batch.transaction?.state === 'open')
    return open?.baseOffset ?? this.endOffset(partition)
  }

  /** Offset of the first record at or after a time; -1 when there is none. */
  offsetAt(partition: TopicPartition, timestamp: number): number {
    const reader = new RecordReader()
    for (const { bytes } of this.partition(partition)) {
      reader.reset(bytes)
      while (reader.next()) if (reader.timestamp >= timestamp) return reader.offset
    }
    return -1
  }

  append(partition: TopicPartition, batch: Buffer, transaction?: FakeTransaction): number {
    const bytes = Buffer.from(batch)
    const baseOffset = this.endOffset(partition)
    bytes.writeBigInt64BE(BigInt(baseOffset), 0)
    const nextOffset = baseOffset + bytes.readInt32BE(23) + 1
    this.partition(partition).push({ baseOffset, nextOffset, bytes, transaction })
    this.changed()
    return baseOffset
  }

  changed(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Resolves with the next append or after `waitMs`. */
  change(waitMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#timers.schedule(waitMs, resolve)
      this.#waiting.push(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  commitOffsets(group: string, offsets: readonly CommittedOffset[]): void {
    const committed = this.committed.get(group) ?? new Map<string, CommittedOffset>()
    for (const offset of offsets) committed.set(keyOf(offset), offset)
    this.committed.set(group, committed)
  }

  schedule(delayMs: number, callback: () => void): Timer {
    return this.#timers.schedule(delayMs, callback)
  }

  group(name: string): FakeGroup {
    const group = this.groups.get(name) ?? new FakeGroup()
    this.groups.set(name, group)
    return group
  }
}

class FakeLogClient implements LogClient {
  readonly log: FakeLog
  connected = true
  readonly members: FakeMember[] = []

  constructor(log: FakeLog) {
    this.log = log
  }

  /** From now on nothing that this client does has an effect; its members are out of their groups. */
  disconnect(): void {
    this.connected = false
    for (const member of this.members) member.group.drop(member)
  }

  check(): void {
    if (!this.connected) throw new MillraceError('CONNECTION_LOST', 'The client was disconnected.')
  }

  async describeTopics(
    names: readonly string[] = [...this.log.topics.keys()],
  ): ReturnType<LogClient['describeTopics']> {
    this.check()
    const found = names.flatMap(name => {
      const partitions = this.log.topics.get(name)?.length
      return partitions === undefined ? [] : [{ name, partitions, internal: false }]
    })
    return new Map(found.map(topic => [topic.name, topic]))
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    this.check()
    for (const { name, partitions = 1, configs = {} } of topics) {
      if (!this.log.topics.has(name)) this.log.configs.set(name, configs)
      if (!this.log.topics.has(name))
        this.log.topics.set(
          name,
          Array.from({ length: partitions }, () => []),
        )
    }
  }

  async topicConfigs(
    names: readonly string[],
    keys: readonly string[],
  ): ReturnType<LogClient['topicConfigs']> {
    const settings = (name: string): [string, string][] =>
      Object.entries(this.log.configs.get(name) ?? {}).filter(([key]) => keys.includes(key))
    return new Map(names.map(name => [name, new Map(settings(name))]))
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    for (const name of names) this.log.topics.delete(name)
  }

  async deleteRecords(before: readonly PartitionOffset[]): Promise<void> {
    for (const position of before) {
      const batches = this.log.partition(position)
      while (batches.length > 1 && (batches[0]?.nextOffset ?? 0) <= position.offset) batches.shift()
    }
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    at: OffsetSpec,
  ): Promise<PartitionOffset[]> {
    this.check()
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset:
        at === 'earliest'
          ? this.log.startOffset({ topic, partition })
          : at === 'latest'
            ? this.log.endOffset({ topic, partition })
            : at === 'lastStable'
              ? this.log.lastStableOffset({ topic, partition })
              : this.log.offsetAt({ topic, partition }, at),
    }))
  }

  async committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<CommittedOffset[]> {
    this.check()
    const isPending = (): boolean =>
      [...this.log.producers.values()].some(producer => producer.isCommittingFor(group))
    while (isPending()) {
      await this.log.change(100)
      this.check()
    }
    const committed = this.log.committed.get(group)
    return partitions.flatMap(partition => committed?.get(keyOf(partition)) ?? [])
  }

  consumer({ isolation }: ConsumerOptions = {}): LogConsumer {
    return new FakeConsumer(this, isolation === 'readCommitted')
  }

  async producer(): Promise<LogProducer> {
    return {
      send: async (batches, failed) => {
        this.check()
        try {
          this.log.fault('send', this)
        } catch (error) {
          if (failed === undefined || !(error instanceof Error)) throw error
          batches.forEach((_, index) => failed(index, error))
          return batches.map(({ topic, partition }) => ({ topic, partition, offset: -1 }))
        }
        return batches.map(({ topic, partition, batch }) => ({
          topic,
          partition,
          offset: this.log.append({ topic, partition }, batch),
        }))
      },
      close: async () => {},
    }
  }

  async transactionalProducer(options: TransactionOptions): Promise<TransactionalProducer> {
    this.check()
    const { transactionalId } = options
    this.log.producers.get(transactionalId)?.fence()
    const producer = new FakeTransactionalProducer(this, options)
    this.log.producers.set(transactionalId, producer)
    return producer
  }

  joinGroup(options: GroupOptions): GroupMember {
    const group = this.log.group(options.group)
    const member = new FakeMember(this, group, options)
    this.members.push(member)
    group.join(member)
    return member
  }

  async close(): Promise<void> {
    for (const member of this.members) await member.leave()
  }
}

interface FakeTransaction {
  state: 'open' | 'committed' | 'aborted'
  readonly partitions: Map<string, TopicPartition>
  readonly offsets: Map<string, readonly CommittedOffset[]>
}

/** Its transactions are in the log with markers behind them, as in a real one. */
class FakeTransactionalProducer implements TransactionalProducer {
  readonly #client: FakeLogClient
  readonly #timeoutMs: number
  #open: FakeTransaction | null = null
  #failure: Error | null = null
  #ended: Error | null = null
  #timeout: Timer | null = null

  constructor(client: FakeLogClient, { transactionTimeoutMs = 60_000 }: TransactionOptions) {
    this.#client = client
    this.#timeoutMs = transactionTimeoutMs
  }

  isCommittingFor(group: string): boolean {
    return this.#open?.offsets.has(group) === true
  }

  /** Another producer takes over, or the transaction has timed out. */
  fence(): void {
    this.#ended ??= new ProducerFenced('A newer producer took over the transactional id.')
    this.#end('aborted')
  }

  async send(
    batches: readonly PartitionBatch[],
    failed?: (index: number, error: Error) => void,
  ): Promise<PartitionOffset[]> {
    this.#check()
    try {
      this.#client.log.fault('send', this.#client)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#failure = error
      if (failed === undefined) throw error
      batches.forEach((_, index) => failed(index, error))
      return batches.map(({ topic, partition }) => ({ topic, partition, offset: -1 }))
    }
    const transaction = this.#begin()
    return batches.map(({ topic, partition, batch }) => {
      transaction.partitions.set(keyOf({ topic, partition }), { topic, partition })
      const offset = this.#client.log.append({ topic, partition }, batch, transaction)
      return { topic, partition, offset }
    })
  }

  async sendOffsets(offsets: readonly CommittedOffset[], member: OffsetCommitter): Promise<void> {
    this.#check()
    try {
      const { log } = this.#client
      log.fault('commit', this.#client)
      const identity = member.identity()
      const { group } = identity
      if (!log.group(group).isIn(identity)) await member.renewed(identity)
      this.#begin().offsets.set(group, offsets)
    } catch (error) {
      if (error instanceof Error) this.#failure = error
      throw error
    }
  }

  async commit(): Promise<void> {
    this.#check()
    if (this.#open === null) return
    try {
      this.#client.log.fault('end', this.#client)
    } catch (error) {
      if (error instanceof Error) this.#ended = error
      throw error
    }
    this.#end('committed')
  }

  async abort(): Promise<void> {
    this.#client.check()
    if (this.#ended !== null) throw this.#ended
    this.#end('aborted')
    this.#failure = null
  }

  async close(): Promise<void> {
    this.#ended ??= new MillraceError('CLOSED', 'The producer was closed.')
  }

  #check(): void {
    this.#client.check()
    const failure = this.#ended ?? this.#failure
    if (failure !== null) throw failure
  }

  #begin(): FakeTransaction {
    if (this.#open !== null) return this.#open
    const transaction: FakeTransaction = {
      state: 'open',
      partitions: new Map(),
      offsets: new Map(),
    }
    this.#open = transaction
    this.#timeout = this.#client.log.schedule(this.#timeoutMs, () => {
      if (this.#open === transaction) this.fence()
    })
    return transaction
  }

  #end(end: 'committed' | 'aborted'): void {
    const transaction = this.#open
    if (transaction === null) return
    this.#open = null
    this.#timeout?.cancel()
    const { log } = this.#client
    transaction.state = end
    for (const partition of transaction.partitions.values()) {
      const type = end === 'committed' ? 'commit' : 'abort'
      const producer = { producerId: 0n, producerEpoch: 0, coordinatorEpoch: 0 }
      log.append(partition, buildControlBatch({ ...producer, type, timestamp: 0 }))
    }
    if (end === 'committed') {
      for (const [group, offsets] of transaction.offsets) log.commitOffsets(group, offsets)
    }
    log.changed()
  }
}

class FakeConsumer implements LogConsumer {
  readonly #client: FakeLogClient
  readonly #readsCommitted: boolean
  readonly #positions = new Map<string, PartitionOffset>()
  readonly #paused = new Set<string>()

  constructor(client: FakeLogClient, readsCommitted: boolean) {
    this.#client = client
    this.#readsCommitted = readsCommitted
  }

  assign(partitions: readonly PartitionOffset[]): void {
    const kept = new Map(this.#positions)
    this.#positions.clear()
    for (const partition of partitions) {
      this.#positions.set(keyOf(partition), kept.get(keyOf(partition)) ?? partition)
    }
    for (const key of this.#paused) if (!this.#positions.has(key)) this.#paused.delete(key)
  }

  seek(position: PartitionOffset): void {
    assert(this.#positions.has(keyOf(position)), 'seek of a partition that is not assigned')
    this.#positions.set(keyOf(position), position)
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(keyOf(partition))
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(keyOf(partition))
  }

  async poll(maxWaitMs: number): Promise<FetchedPartition[]> {
    this.#client.check()
    const fetched = this.#fetch()
    if (fetched.length > 0 || maxWaitMs === 0) return fetched
    await this.#client.log.change(maxWaitMs)
    this.#client.check()
    return this.#fetch()
  }

  #fetch(): FetchedPartition[] {
    const { log } = this.#client
    return [...this.#positions.values()].flatMap(({ topic, partition, offset }) => {
      if (this.#paused.has(keyOf({ topic, partition }))) return []
      const stored = log.partition({ topic, partition })
      const end = log.endOffset({ topic, partition })
      const start = log.startOffset({ topic, partition })
      if (offset > end || offset < start) {
        throw new OffsetOutOfRange({ topic, partition, offset }, start, end)
      }
      const stable = log.lastStableOffset({ topic, partition })
      const highWatermark = this.#readsCommitted ? stable : end
      const batches = stored
        .filter(batch => batch.nextOffset > offset && batch.nextOffset <= highWatermark)
        .slice(0, 3)
      const nextOffset = batches.at(-1)?.nextOffset
      if (nextOffset === undefined) return []
      this.#positions.set(keyOf({ topic, partition }), { topic, partition, offset: nextOffset })
      const read = batches.filter(
        ({ transaction }) => !this.#readsCommitted || transaction?.state !== 'aborted',
      )
      const bytes = Buffer.concat(read.map(batch => batch.bytes))
      return [{ topic, partition, batches: bytes, offset, nextOffset, highWatermark }]
    })
  }

  position(partition: TopicPartition): number {
    const position = this.#positions.get(keyOf(partition))
    assert(position !== undefined, 'position of a partition that is not assigned')
    return position.offset
  }

  async close(): Promise<void> {}
}

class FakeMember implements GroupMember {
  readonly client: FakeLogClient
  readonly group: FakeGroup
  readonly options: GroupOptions
  memberId = ''
  generation = -1

  constructor(client: FakeLogClient, group: FakeGroup, options: GroupOptions) {
    this.client = client
    this.group = group
    this.options = options
  }

  readonly commitsAtOnce = true

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    this.client.check()
    const { log } = this.client
    log.fault('commit', this.client)
    if (!this.group.isCurrent(this)) await this.group.settled()
    this.identity()
    log.commitOffsets(this.options.group, offsets)
  }

  identity(): GroupIdentity {
    if (!this.group.isCurrent(this)) {
      throw new MillraceError('TASK_MIGRATED', 'The group has moved on without this member.')
    }
    const { memberId, generation, options } = this
    return { group: options.group, memberId, generation, instanceId: options.instanceId ?? null }
  }

  async renewed(): Promise<GroupIdentity> {
    await this.group.settled()
    return this.identity()
  }

  rejoin(): void {
    this.group.rebalance()
  }

  async leave(): Promise<void> {
    this.group.drop(this)
  }

  /** There are no session timeouts here: its place ends with it. */
  async close(): Promise<void> {
    this.group.drop(this)
  }
}

/** The classic protocol, cooperative: the leader assigns, everybody gets a share and keeps what is in it. */
class FakeGroup {
  readonly members: FakeMember[] = []
  #generation = 0
  #ids = 0
  #work: Promise<void> = Promise.resolve()

  isCurrent(member: FakeMember): boolean {
    return this.members.includes(member) && member.generation === this.#generation
  }

  isIn({ memberId, generation }: GroupIdentity): boolean {
    return this.members.some(
      member =>
        member.memberId === memberId &&
        member.generation === generation &&
        generation === this.#generation,
    )
  }

  get size(): number {
    return this.members.length
  }

  join(member: FakeMember): void {
    member.memberId = `member-${this.#ids++}`
    this.members.push(member)
    this.rebalance()
  }

  drop(member: FakeMember): void {
    const at = this.members.indexOf(member)
    if (at < 0) return
    this.members.splice(at, 1)
    this.rebalance()
  }

  /** The member was silent for too long: the others go on without it, it hears of it and joins again. */
  async evict(member: FakeMember): Promise<void> {
    this.drop(member)
    await this.settled()
    await member.options.lost()
    member.generation = -1
    this.join(member)
  }

  /** The group moves on without anybody having been told. */
  supersede(): void {
    this.#generation++
  }

  /** Resolves when no rebalance is under way. */
  async settled(): Promise<void> {
    let seen: Promise<void> | undefined
    while (seen !== this.#work) {
      seen = this.#work
      await seen
    }
  }

  rebalance(): void {
    this.#work = this.#work.then(() => this.#run())
  }

  async #run(): Promise<void> {
    const members = [...this.members]
    this.#generation++
    const [leader] = members
    if (leader === undefined) return
    const assignments = await leader.options.assign(
      members.map(({ memberId, generation, options }) => ({
        memberId,
        generation,
        instanceId: options.instanceId ?? null,
        topics: options.topics,
        userData: options.userData,
      })),
    )
    const present = members.filter(member => this.members.includes(member))
    for (const member of present) member.generation = this.#generation
    for (const { memberId, options } of present) {
      const share = assignments.find(assignment => assignment.memberId === memberId)
      const nothing = { memberId, partitions: [], userData: Buffer.alloc(0) }
      options.assigned(share ?? nothing, this.#generation)
    }
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

export type { FakeGroup, FakeLogClient, FakeMember }
