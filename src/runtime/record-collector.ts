import assert from 'node:assert/strict'

import type { PartitionBatch, PartitionOffset } from '../client/log-client.ts'
import { partitionForKey } from '../protocol/murmur2.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import * as batchHeader from '../protocol/record-batch.ts'
import type { Headers } from '../topology/record.ts'

/** Where the records that a task writes go: its outputs, repartition topics and changelogs. */
export interface Collector {
  /** Throws MISSING_TOPIC when nobody knows such a topic. */
  topic(name: string): TopicCollector
}

export interface TopicCollector {
  readonly partitions: number
  /** Takes a record; the bytes are copied. Without a partition the key decides, as for every Kafka client. */
  append(
    partition: number | null,
    key: Buffer | null,
    value: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void
  /** Offset behind the last acknowledged record of the partition; undefined before the first. */
  nextOffset(partition: number): number | undefined
}

export interface RecordCollectorOptions {
  /** Number of partitions of a topic. Throws MISSING_TOPIC when there is none of that name. */
  readonly partitions: (topic: string) => number
  /** A batch is closed when it has reached this size. @defaultValue 512 KiB: half of what brokers take by default */
  readonly maxBatchBytes?: number
}

/**
 * Gathers records into batches, ready to be sent. Records of a partition keep their order. Kafka Streams'
 * `RecordCollectorImpl` with the batching of the producer below it; sending is the caller's: `drain`, send, and
 * `acknowledge` what the log answered.
 */
export class RecordCollector implements Collector {
  readonly #options: Required<RecordCollectorOptions>
  readonly #topics = new Map<string, TopicBatches>()

  constructor({ partitions, maxBatchBytes = 512 * 1024 }: RecordCollectorOptions) {
    this.#options = { partitions, maxBatchBytes }
  }

  topic(name: string): TopicBatches {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = new TopicBatches(name, this.#options.partitions(name), this.#options.maxBatchBytes)
      this.#topics.set(name, topic)
    }
    return topic
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

  /** Tells what offsets the log gave to the first records of the batches, in the same order. */
  acknowledge(batches: readonly PartitionBatch[], baseOffsets: readonly PartitionOffset[]): void {
    assert.equal(batches.length, baseOffsets.length)
    batches.forEach(({ topic, partition, batch }, i) => {
      const base = baseOffsets[i]
      assert(base !== undefined && base.topic === topic && base.partition === partition)
      this.topic(topic).acknowledge(partition, base.offset + batchHeader.recordCount(batch))
    })
  }

  /** Forgets what was not drained. */
  discard(): void {
    for (const topic of this.#topics.values()) topic.discard()
  }
}

/** The batches of one topic. */
export class TopicBatches implements TopicCollector {
  readonly partitions: number
  /** Bytes waiting to be drained. */
  bufferedBytes = 0
  readonly #name: string
  readonly #maxBatchBytes: number
  readonly #builders: (RecordBatchBuilder | undefined)[]
  readonly #nextOffsets = new Map<number, number>()
  #full: PartitionBatch[] = []
  /** Where records without a key go, until their batch ends: few large batches, all partitions in turn. */
  #keyless = 0

  constructor(name: string, partitions: number, maxBatchBytes: number) {
    this.partitions = partitions
    this.#name = name
    this.#maxBatchBytes = maxBatchBytes
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

  nextOffset(partition: number): number | undefined {
    return this.#nextOffsets.get(partition)
  }

  acknowledge(partition: number, nextOffset: number): void {
    this.#nextOffsets.set(partition, nextOffset)
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
    into.push({ topic: this.#name, partition, batch: builder.build() })
    builder.reset()
    if (partition === this.#keyless) this.#keyless = (partition + 1) % this.partitions
  }
}
