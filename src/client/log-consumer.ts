import assert from 'node:assert/strict'
import { MillraceError } from '../errors.ts'
import type { Timer } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { backoffMs } from './backoff.ts'
import { BrokerConnections } from './broker-connections.ts'
import type { ClientCore } from './client-core.ts'
import type { Leader } from './cluster-metadata.ts'
import { committedBatches } from './committed-batches.ts'
import { isRepeatable, logError } from './errors.ts'
import { completeBatches, fetchFromLeader } from './fetch-request.ts'
import type { FetchAnswer } from './fetch-request.ts'
import { LeaderLookup } from './leader-lookup.ts'
import { OffsetOutOfRange } from './log-client.ts'
import type {
  ConsumerOptions,
  FetchedPartition,
  LogConsumer,
  PartitionOffset,
  TopicPartition,
} from './log-client.ts'
import { PartitionMap, partitionName } from './partition-map.ts'
import { listOffsets } from './partition-requests.ts'

/** How long a broker may hold a fetch back while it has nothing for it. */
const longestWaitMs = 500
/**
 * The same for a fetch that leaves out partitions of that broker which may be wanted soon (they are paused, or their
 * last batches are not polled yet): such fetches begin short and double while nothing arrives, so that a resumed
 * partition does not stand behind a long wait for another one, and an idle consumer still sends little. So do the first
 * fetches after a change of the assignment, which often comes in several steps.
 */
const shortestWaitMs = 5

/** From here on a partition that cannot be fetched is worth a warning: one, not one for each attempt. */
const failuresToWarn = 5

/** One assigned partition. */
interface Slot extends TopicPartition {
  position: number
  paused: boolean
  fetching: boolean
  /** Fetched and not yet polled. */
  ready: FetchedPartition | null
  error: Error | null
  /** Counts seeks, so that an answer to an older position is recognised. */
  seeks: number
  failures: number
  /** Not before this time of the monotonic clock. */
  retryAt: number
}

/**
 * A reader of partitions. Each broker has at most one fetch in flight; it covers every partition led there that has
 * nothing ready. What arrives is kept, at most one answer per partition, until `poll` takes it, and the next fetch goes
 * out at once, so that the network works while the caller does.
 */
export class KafkaLogConsumer implements LogConsumer {
  readonly #core: ClientCore
  readonly #connections: BrokerConnections
  readonly #maxBytes: number
  readonly #maxPartitionBytes: number
  readonly #committed: boolean
  readonly #slots = new PartitionMap<Slot>()
  /** The same, those that were polled longest ago first: brokers fill their answers in this order. */
  #order: Slot[] = []
  readonly #fetchingFrom = new Set<number>()
  readonly #leaders: LeaderLookup
  #partialWaitMs = shortestWaitMs
  #settlingWaitMs = shortestWaitMs
  #readyBytes = 0
  #retryTimer: Timer | undefined
  #wakePoll: (() => void) | undefined
  #closed = false

  constructor(core: ClientCore, options: ConsumerOptions = {}) {
    this.#core = core
    this.#connections = new BrokerConnections(core.connector)
    this.#maxBytes = options.maxBytes ?? 8 * 1024 * 1024
    this.#maxPartitionBytes = options.maxPartitionBytes ?? 1024 * 1024
    this.#committed = options.isolation === 'readCommitted'
    this.#leaders = new LeaderLookup(core.cluster, (topics, failure) =>
      this.#leadersLearnt(topics, failure),
    )
    core.parts.add(this)
  }

  assign(partitions: readonly PartitionOffset[]): void {
    this.#assertOpen()
    const slots = partitions.map(({ topic, partition, offset }) => {
      const kept = this.#slots.get({ topic, partition })
      return kept ?? newSlot(topic, partition, offset)
    })
    const stay = new Set(slots)
    for (const slot of this.#order) if (!stay.has(slot)) this.#discard(slot)
    this.#slots.clear()
    for (const slot of slots) this.#slots.set(slot, slot)
    this.#order = slots
    this.#interrupt()
  }

  seek({ topic, partition, offset }: PartitionOffset): void {
    const slot = this.#slot({ topic, partition })
    this.#discard(slot)
    slot.position = offset
    slot.error = null
    this.#interrupt()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#slot(partition).paused = true
    this.#partialWaitMs = shortestWaitMs
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#slot(partition).paused = false
    this.#interrupt()
  }

  position(partition: TopicPartition): number {
    return this.#slot(partition).position
  }

  async poll(maxWaitMs: number): Promise<FetchedPartition[]> {
    this.#assertOpen()
    assert(this.#wakePoll === undefined, 'a consumer is polled by one caller at a time')
    const ready = this.#take()
    this.#fetchMore()
    if (ready.length > 0 || maxWaitMs <= 0) return ready
    await this.#wait(maxWaitMs)
    if (this.#closed) return []
    const arrived = this.#take()
    this.#fetchMore()
    return arrived
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#retryTimer?.cancel()
    this.#wakePoll?.()
    await this.#connections.close()
    this.#core.parts.delete(this)
  }

  #take(): FetchedPartition[] {
    const taken: FetchedPartition[] = []
    const takenSlots = new Set<Slot>()
    let bytes = 0
    for (const slot of this.#order) {
      if (slot.paused) continue
      if (slot.error !== null) {
        const { error } = slot
        slot.error = null
        // What was taken before is still ready for the next poll.
        throw error
      }
      const { ready } = slot
      if (ready === null) continue
      if (bytes > 0 && bytes + ready.batches.length > this.#maxBytes) break
      bytes += ready.batches.length
      taken.push(ready)
      takenSlots.add(slot)
    }
    if (taken.length === 0) return taken
    for (const slot of takenSlots) {
      slot.position = slot.ready?.nextOffset ?? slot.position
      slot.ready = null
    }
    this.#readyBytes -= bytes
    this.#order = [...this.#order.filter(slot => !takenSlots.has(slot)), ...takenSlots]
    return taken
  }

  #wait(maxWaitMs: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        timer.cancel()
        this.#wakePoll = undefined
        resolve()
      }
      const timer = this.#core.platform.timers.schedule(maxWaitMs, wake)
      this.#wakePoll = wake
    })
  }

  #interrupt(): void {
    this.#partialWaitMs = shortestWaitMs
    this.#settlingWaitMs = shortestWaitMs
    this.#wakePoll?.()
    this.#fetchMore()
  }

  /** Sends a fetch to every broker that has none in flight and leads partitions with nothing ready. */
  #fetchMore(): void {
    if (this.#closed) return
    const now = this.#core.platform.clock.monotonic()
    const byNode = new Map<number, { leader: Leader; wanted: Slot[]; partial: boolean }>()
    const unknown = new Set<string>()
    let retryAt = Infinity
    for (const slot of this.#order) {
      const leader = this.#core.cluster.leader(slot)
      if (leader === undefined) {
        if (slot.retryAt <= now) unknown.add(slot.topic)
        else retryAt = Math.min(retryAt, slot.retryAt)
        continue
      }
      let group = byNode.get(leader.nodeId)
      if (group === undefined) {
        group = { leader, wanted: [], partial: false }
        byNode.set(leader.nodeId, group)
      }
      if (slot.retryAt > now) retryAt = Math.min(retryAt, slot.retryAt)
      else if (slot.paused || slot.ready !== null || slot.error !== null || slot.fetching) {
        group.partial = true
      } else group.wanted.push(slot)
    }
    for (const { leader, wanted, partial } of byNode.values()) {
      if (wanted.length === 0 || this.#fetchingFrom.has(leader.nodeId)) continue
      const maxBytes = this.#maxBytes - this.#readyBytes
      if (maxBytes > 0) void this.#fetch(leader, wanted, maxBytes, partial)
    }
    if (unknown.size > 0) void this.#leaders.ask([...unknown])
    this.#retryTimer?.cancel()
    this.#retryTimer =
      retryAt === Infinity
        ? undefined
        : this.#core.platform.timers.schedule(retryAt - now, () => this.#fetchMore())
  }

  async #fetch(leader: Leader, slots: Slot[], maxBytes: number, partial: boolean): Promise<void> {
    const waitMs = Math.min(this.#settlingWaitMs, partial ? this.#partialWaitMs : longestWaitMs)
    this.#settlingWaitMs = Math.min(this.#settlingWaitMs * 2, longestWaitMs)
    if (partial) this.#partialWaitMs = Math.min(this.#partialWaitMs * 2, longestWaitMs)
    const asked = slots.map(slot => {
      slot.fetching = true
      const { seeks } = slot
      return { slot, seeks }
    })
    this.#fetchingFrom.add(leader.nodeId)
    try {
      const answers = await fetchFromLeader(this.#core.cluster, this.#connections, leader, slots, {
        waitMs,
        maxBytes,
        maxPartitionBytes: this.#maxPartitionBytes,
        committed: this.#committed,
      })
      for (const { slot, seeks } of asked) {
        if (seeks === slot.seeks) await this.#accept(slot, answers.get(slot))
      }
    } catch (error) {
      for (const { slot, seeks } of asked) if (seeks === slot.seeks) this.#fail(slot, error)
    }
    for (const { slot } of asked) slot.fetching = false
    this.#fetchingFrom.delete(leader.nodeId)
    this.#fetchMore()
  }

  #accept(slot: Slot, answer: FetchAnswer | undefined): void | Promise<void> {
    const { topic, partition, position } = slot
    if (answer === undefined) {
      this.#fail(slot, logError(errorCode.UNKNOWN_TOPIC_OR_PARTITION, 'The broker left it out'))
      return
    }
    if (answer.errorCode === errorCode.OFFSET_OUT_OF_RANGE) return this.#outOfRange(slot)
    if (answer.errorCode !== errorCode.NONE) {
      const failure = `Partition ${partitionName(slot)} could not be read from offset ${position}`
      this.#fail(slot, logError(answer.errorCode, failure))
      return
    }
    slot.failures = 0
    if (answer.records === null || answer.records.length === 0) return
    const found = completeBatches(answer.records, { topic, partition, offset: position })
    if (found instanceof MillraceError) {
      slot.error = found
    } else {
      const { nextOffset } = found
      const batches = this.#committed
        ? committedBatches(found.batches, answer.abortedTransactions ?? [])
        : found.batches
      const highWatermark = this.#committed ? answer.lastStableOffset : answer.highWatermark
      slot.ready = { topic, partition, batches, offset: position, nextOffset, highWatermark }
      this.#readyBytes += batches.length
    }
    this.#partialWaitMs = shortestWaitMs
    if (!slot.paused) this.#wakePoll?.()
  }

  async #outOfRange(slot: Slot): Promise<void> {
    const { topic, partition, position, seeks } = slot
    let error: unknown
    try {
      const [start] = await listOffsets(this.#core, [slot], 'earliest')
      const [end] = await listOffsets(this.#core, [slot], 'latest')
      assert(start !== undefined && end !== undefined, 'one partition asked, one answered')
      error = new OffsetOutOfRange({ topic, partition, offset: position }, start.offset, end.offset)
    } catch (failure) {
      error = failure
    }
    if (seeks === slot.seeks) this.#fail(slot, error)
  }

  /** Fetches again after a pause, or hands the error to `poll` when that would not help. */
  #fail(slot: Slot, error: unknown): void {
    if (this.#closed) return
    this.#core.cluster.distrust([slot.topic])
    const { clock, random } = this.#core.platform
    slot.failures += 1
    slot.retryAt = clock.monotonic() + backoffMs(slot.failures, random)
    if (isRepeatable(error)) {
      const { topic, partition, failures } = slot
      const level = failures === failuresToWarn ? 'warn' : 'debug'
      this.#core.logger[level](
        { topic, partition, failures, reason: error.message },
        'A partition could not be fetched; trying again.',
      )
      return
    }
    slot.error = error instanceof Error ? error : new Error(String(error))
    if (!slot.paused) this.#wakePoll?.()
  }

  #leadersLearnt(topics: readonly string[], failure: unknown): void {
    for (const slot of this.#order) {
      if (!topics.includes(slot.topic) || this.#core.cluster.leader(slot) !== undefined) continue
      this.#fail(slot, failure ?? logError(errorCode.LEADER_NOT_AVAILABLE, 'No leader was found'))
    }
    this.#fetchMore()
  }

  #discard(slot: Slot): void {
    slot.seeks += 1
    if (slot.ready === null) return
    this.#readyBytes -= slot.ready.batches.length
    slot.ready = null
  }

  #slot(partition: TopicPartition): Slot {
    this.#assertOpen()
    const slot = this.#slots.get(partition)
    assert(slot !== undefined, `partition ${partitionName(partition)} is not assigned`)
    return slot
  }

  #assertOpen(): void {
    if (this.#closed) throw new MillraceError('CLOSED', 'The consumer was closed.')
  }
}

const newSlot = (topic: string, partition: number, position: number): Slot => ({
  topic,
  partition,
  position,
  paused: false,
  fetching: false,
  ready: null,
  error: null,
  seeks: 0,
  failures: 0,
  retryAt: 0,
})
