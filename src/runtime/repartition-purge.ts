import type { LogClient, PartitionOffset } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../platform/platform.ts'
import type { Topology } from '../topology/topology.ts'

/** Kafka Streams' `repartition.purge.interval.ms`. */
const purgeIntervalMs = 30_000

/**
 * Deletes what was consumed from repartition topics: their retention is unlimited, because only their reader knows when a
 * record is done with. Kafka Streams' `TaskManager.maybePurgeCommittedRecords`.
 */
export class RepartitionPurge {
  readonly #client: LogClient
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #topics: ReadonlySet<string>
  /** By partition: what was committed since the last purge. */
  readonly #committed = new Map<string, PartitionOffset>()
  #lastPurgeAt: number
  #purging = false

  constructor(options: { topology: Topology; client: LogClient; clock: Clock; logger: Logger }) {
    const { topology, client, clock, logger } = options
    this.#client = client
    this.#clock = clock
    this.#logger = logger
    const topics = topology.internalTopics.filter(topic => topic.kind === 'repartition')
    this.#topics = new Set(topics.map(topic => topic.name))
    this.#lastPurgeAt = clock.monotonic()
  }

  /** Takes note of a commit; deletes in the background when it is time. */
  committed(offsets: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      if (!this.#topics.has(topic)) continue
      this.#committed.set(partitionName({ topic, partition }), { topic, partition, offset })
    }
    if (this.#purging || this.#committed.size === 0) return
    if (this.#clock.monotonic() - this.#lastPurgeAt < purgeIntervalMs) return
    void this.#purge([...this.#committed.values()])
    this.#committed.clear()
  }

  async #purge(before: readonly PartitionOffset[]): Promise<void> {
    this.#purging = true
    try {
      await this.#client.deleteRecords(before)
    } catch (error) {
      // Nothing depends on it: the next purge deletes these records too.
      this.#logger.warn({ error }, 'Consumed records of repartition topics could not be deleted')
    }
    this.#purging = false
    this.#lastPurgeAt = this.#clock.monotonic()
  }
}
