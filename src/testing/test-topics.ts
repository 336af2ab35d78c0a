import type { FetchedPartition } from '../client/log-client.ts'
import { partitionForKey } from '../protocol/murmur2.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import type { Collector, TopicCollector } from '../runtime/record-collector.ts'
import type { Headers } from '../topology/record.ts'

export interface BytesRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers: Headers
}

/** A record that the topology wrote. */
export interface ProducedRecord extends BytesRecord {
  readonly topic: string
}

/** A record on its way to the tasks that read it. */
export interface Undelivered {
  readonly record: ProducedRecord
  readonly partition: number
}

/** The topics of a test driver, in memory. */
export class TestTopics implements Collector {
  readonly #partitions: (topic: string) => number
  readonly #topics = new Map<string, TestTopic>()
  /** Not yet delivered to the topology, which may read what it writes. */
  #undelivered: Undelivered[] = []
  /** How many records were written, to put those of several topics in order. */
  #sequence = 0

  constructor(partitions: (topic: string) => number) {
    this.#partitions = partitions
  }

  topic(name: string): TestTopic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = new TestTopic(
        name,
        this.#partitions(name),
        undelivered => this.#undelivered.push(undelivered),
        () => this.#sequence++,
      )
      this.#topics.set(name, topic)
    }
    return topic
  }

  /** What was written since the last call, over all topics in the order of writing. */
  takeUndelivered(): readonly Undelivered[] {
    const taken = this.#undelivered
    this.#undelivered = []
    return taken
  }

  /** What nobody has read yet, over all topics in the order of writing. */
  takeUnread(): ProducedRecord[] {
    const all = [...this.#topics.values()].flatMap(topic => topic.unread.splice(0))
    return all.sort((a, b) => a.sequence - b.sequence).map(({ record }) => record)
  }

  /** Names of the topics that the topology wrote to, in the order of the first record. */
  get producedNames(): string[] {
    return [...this.#topics.values()].filter(topic => topic.hasOutput).map(({ name }) => name)
  }
}

export class TestTopic implements TopicCollector {
  readonly name: string
  readonly partitions: number
  /** Records that the topology wrote and nobody has read yet. */
  readonly unread: { readonly record: ProducedRecord; readonly sequence: number }[] = []
  readonly #onProduced: (produced: Undelivered) => void
  readonly #nextSequence: () => number
  readonly #builder = new RecordBatchBuilder()
  #produced = 0
  /** Records of each partition. */
  readonly #delivered: number[] = []

  constructor(
    name: string,
    partitions: number,
    onProduced: (produced: Undelivered) => void,
    nextSequence: () => number,
  ) {
    this.name = name
    this.partitions = partitions
    this.#onProduced = onProduced
    this.#nextSequence = nextSequence
  }

  get hasOutput(): boolean {
    return this.#produced > 0
  }

  append(
    partition: number | null,
    keyBytes: Buffer | null,
    valueBytes: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void {
    // Changelog keys and values are views of rows that live on.
    const key = keyBytes && Buffer.from(keyBytes)
    const value = valueBytes && Buffer.from(valueBytes)
    const record = { topic: this.name, key, value, timestamp, headers }
    this.#produced++
    this.unread.push({ record, sequence: this.#nextSequence() })
    this.#onProduced({ record, partition: partition ?? this.partitionOf(key) })
  }

  /** The partition of a record without one of its own. */
  partitionOf(key: Buffer | null): number {
    return key === null || this.partitions === 1 ? 0 : partitionForKey(key, this.partitions)
  }

  /** The record as a fetch of the partition would bring it, with the next offset. */
  deliver({ key, value, timestamp, headers }: BytesRecord, partition: number): FetchedPartition {
    const offset = this.#delivered[partition] ?? 0
    this.#delivered[partition] = offset + 1
    this.#builder.reset()
    this.#builder.append(key, value, timestamp, headers)
    const nextOffset = offset + 1
    return {
      topic: this.name,
      partition,
      batches: this.#builder.build({ baseOffset: offset }),
      offset,
      nextOffset,
      highWatermark: nextOffset,
    }
  }
}
