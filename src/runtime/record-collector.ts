import type { PartitionBatch } from '../client/log-client.ts'
import type { CompressionCodec } from '../protocol/compression.ts'
import { partitionForKey } from '../protocol/murmur2.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import type { Headers } from '../topology/record.ts'
import { UnknownTopic } from './unknown-topic.ts'

/** Where the records that a task writes go: its outputs, repartition topics and changelogs. */
export interface Collector {
  topic(name: string): TopicCollector
}

export interface TopicCollector {
  readonly name: string
  /** 0 while nobody knows how many there are. */
  readonly partitions: number
  /** There while nobody knows how many partitions there are: calls back with the topic as it is then. */
  whenKnown?(write: (topic: TopicCollector) => void): void
  /** Takes a record; the bytes are copied. Without a partition the key decides, as for every Kafka client. */
  append(
    partition: number | null,
    key: Buffer | null,
    value: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void
}

export interface RecordCollectorOptions {
  /** Number of partitions of a topic, if it was known at the start; what goes to others waits until `know` tells. */
  readonly partitions: (topic: string) => number | undefined
  /**
   * A batch is closed when it has reached this size, before it is compressed. @defaultValue 512 KiB: half of what brokers take by
   * default
   */
  readonly maxBatchBytes?: number
  /** @defaultValue 'none' */
  readonly compressionType?: CompressionCodec
}

/**
 * Gathers records into batches, ready to be sent. Records of a partition keep their order. Kafka Streams'
 * `RecordCollectorImpl` with the batching of the producer below it; sending what `drain` gives is the caller's.
 */
export class RecordCollector implements Collector {
  readonly #options: Required<RecordCollectorOptions>
  readonly #topics = new Map<string, TopicBatches>()
  readonly #unknown = new Map<string, UnknownTopic>()

  constructor(options: RecordCollectorOptions) {
    this.#options = { maxBatchBytes: 512 * 1024, compressionType: 'none', ...options }
  }

  topic(name: string): TopicCollector {
    const known = this.#topics.get(name) ?? this.#unknown.get(name)
    if (known !== undefined) return known
    const partitions = this.#options.partitions(name)
    if (partitions !== undefined) return this.#add(name, partitions)
    const unknown = new UnknownTopic(name)
    this.#unknown.set(name, unknown)
    return unknown
  }

  #add(name: string, partitions: number): TopicBatches {
    const topic = new TopicBatches(name, partitions, this.#options)
    this.#topics.set(name, topic)
    return topic
  }

  /** Topics that records wait for: tell `know` about them before `drain`. */
  get unknownTopics(): readonly string[] {
    return [...this.#unknown.keys()]
  }

  /** Tells how many partitions unknown topics have. */
  know(partitions: ReadonlyMap<string, number>): void {
    for (const [name, unknown] of this.#unknown) {
      const count = partitions.get(name)
      if (count === undefined) continue
      this.#unknown.delete(name)
      unknown.resolve(this.#add(name, count))
    }
  }

  /** Bytes waiting to be drained. */
  get bufferedBytes(): number {
    let bytes = 0
    for (const topic of this.#topics.values()) bytes += topic.bufferedBytes
    return bytes
  }

  /** All batches so far; those of one partition in their order. */
  drain(): PartitionBatch[] {
    const batches: PartitionBatch[] = []
    for (const topic of this.#topics.values()) topic.drain(batches)
    return batches
  }

  /** Forgets what was not drained. */
  discard(): void {
    for (const topic of this.#topics.values()) topic.discard()
    this.#unknown.clear()
  }
}

/** The batches of one topic. */
export class TopicBatches implements TopicCollector {
  readonly name: string
  readonly partitions: number
  /** Bytes waiting to be drained. */
  bufferedBytes = 0
  readonly #maxBatchBytes: number
  readonly #codec: CompressionCodec
  readonly #builders: (RecordBatchBuilder | undefined)[]
  #full: PartitionBatch[] = []
  /** Where records without a key go, until their batch ends: few large batches, all partitions in turn. */
  #keyless = 0

  constructor(
    name: string,
    partitions: number,
    options: Pick<Required<RecordCollectorOptions>, 'maxBatchBytes' | 'compressionType'>,
  ) {
    this.partitions = partitions
    this.name = name
    this.#maxBatchBytes = options.maxBatchBytes
    this.#codec = options.compressionType
    this.#builders = Array.from({ length: partitions }, () => undefined)
  }

  append(
    partition: number | null,
    key: Buffer | null,
    value: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void {
    const target =
      partition ?? (key === null ? this.#keyless : partitionForKey(key, this.partitions))
    const builder = (this.#builders[target] ??= new RecordBatchBuilder())
    const before = builder.recordCount === 0 ? 0 : builder.sizeInBytes
    builder.append(key, value, timestamp, headers)
    this.bufferedBytes += builder.sizeInBytes - before
    if (builder.sizeInBytes >= this.#maxBatchBytes) this.#close(target, builder, this.#full)
  }

  drain(into: PartitionBatch[]): void {
    if (this.bufferedBytes === 0) return
    into.push(...this.#full)
    this.#full = []
    this.#builders.forEach((builder, partition) => {
      if (builder !== undefined && builder.recordCount > 0) this.#close(partition, builder, into)
    })
    this.bufferedBytes = 0
  }

  discard(): void {
    this.#full = []
    for (const builder of this.#builders) builder?.reset()
    this.bufferedBytes = 0
  }

  #close(partition: number, builder: RecordBatchBuilder, into: PartitionBatch[]): void {
    into.push({ topic: this.name, partition, batch: builder.build({ codec: this.#codec }) })
    builder.reset()
    if (partition === this.#keyless) this.#keyless = (partition + 1) % this.partitions
  }
}
