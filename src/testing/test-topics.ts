import type { FetchedPartition } from '../client/log-client.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import type { Collector, TopicCollector } from '../runtime/record-collector.ts'
import type { Headers } from '../topology/record.ts'

export interface BytesRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers: Headers
}

/** The topics of a test driver: in memory, one partition each. */
export class TestTopics implements Collector {
  readonly #topics = new Map<string, TestTopic>()
  readonly #produced: { readonly topic: TestTopic; readonly record: BytesRecord }[] = []

  topic(name: string): TestTopic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      const made = new TestTopic(name, record => this.#produced.push({ topic: made, record }))
      topic = made
      this.#topics.set(name, made)
    }
    return topic
  }

  /** What the topology has written since the last call, over all topics in the order of writing. */
  takeProduced(): readonly { readonly topic: TestTopic; readonly record: BytesRecord }[] {
    return this.#produced.splice(0)
  }

  /** Names of the topics that the topology wrote to, in the order of the first record. */
  get producedNames(): string[] {
    return [...this.#topics.values()].filter(topic => topic.hasOutput).map(({ name }) => name)
  }
}

export class TestTopic implements TopicCollector {
  readonly name: string
  readonly partitions = 1
  /** Records that the topology wrote and nobody has read yet. */
  readonly unread: BytesRecord[] = []
  hasOutput = false
  readonly #onProduced: (record: BytesRecord) => void
  #produced = 0
  #delivered = 0

  constructor(name: string, onProduced: (record: BytesRecord) => void) {
    this.name = name
    this.#onProduced = onProduced
  }

  append(
    _partition: number | null,
    key: Buffer | null,
    value: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void {
    // Changelog keys and values are views of rows that live on.
    const record = {
      key: key && Buffer.from(key),
      value: value && Buffer.from(value),
      timestamp,
      headers,
    }
    this.#produced++
    this.hasOutput = true
    this.unread.push(record)
    this.#onProduced(record)
  }

  nextOffset(): number {
    return this.#produced
  }

  /** The record as a fetch of this topic would bring it, with the next offset. */
  deliver({ key, value, timestamp, headers }: BytesRecord): FetchedPartition {
    const offset = this.#delivered++
    const builder = new RecordBatchBuilder()
    builder.append(key, value, timestamp, headers)
    const nextOffset = offset + 1
    return {
      topic: this.name,
      partition: 0,
      batches: builder.build({ baseOffset: offset }),
      offset,
      nextOffset,
      highWatermark: nextOffset,
    }
  }
}
