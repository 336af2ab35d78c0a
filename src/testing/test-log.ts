import assert from 'node:assert/strict'

import type {
  CommittedOffset,
  FetchedPartition,
  OffsetSpec,
  PartitionBatch,
  PartitionOffset,
  TopicPartition,
} from '../client/log-client.ts'
import { PartitionMap } from '../client/partition-map.ts'
import { maxTimestamp, nextOffset, setBaseOffset } from '../protocol/record-batch.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import type { SentBatch } from '../runtime/commit-log.ts'
import type { RestoreLog } from '../runtime/restore.ts'
import type { StartLog } from '../runtime/start-positions.ts'
import { noHeaders } from '../topology/record.ts'
import type { BytesRecord } from './test-topics.ts'

/**
 * A log in memory: partitions of record batches, and what one group has committed. What a test application needs of a
 * `LogClient`, without time: everything is there at once.
 */
export class TestLog implements RestoreLog, StartLog {
  readonly #batches = new PartitionMap<Buffer[]>()
  /** Of each topic, the batches of all partitions in the order in which they came. */
  readonly #topics = new Map<string, Buffer[]>()
  readonly #committed = new PartitionMap<CommittedOffset>()

  /** Appends a batch and returns the offset of its first record. Takes the buffer over. */
  append({ topic, partition, batch }: PartitionBatch): number {
    const offset = this.end({ topic, partition })
    setBaseOffset(batch, offset)
    const batches = this.#batches.get({ topic, partition })
    if (batches === undefined) this.#batches.set({ topic, partition }, [batch])
    else batches.push(batch)
    const all = this.#topics.get(topic)
    if (all === undefined) this.#topics.set(topic, [batch])
    else all.push(batch)
    return offset
  }

  /** Names of the topics that somebody has written to, in the order of their first records. */
  get topicNames(): string[] {
    return [...this.#topics.keys()]
  }

  /** The records of a topic that have come since the first `seen` batches, and how many batches there are now. */
  since(topic: string, seen: number): { records: BytesRecord[]; seen: number } {
    const batches = this.#topics.get(topic) ?? []
    const records: BytesRecord[] = []
    const reader = new RecordReader({ checkCrc: false })
    for (const batch of batches.slice(seen)) {
      reader.reset(batch)
      while (reader.next()) {
        const { key, value, timestamp, headers } = reader
        records.push({ key, value, timestamp, headers: headers.length === 0 ? noHeaders : headers })
      }
    }
    return { records, seen: batches.length }
  }

  end(partition: TopicPartition): number {
    const last = this.#batches.get(partition)?.at(-1)
    return last === undefined ? 0 : nextOffset(last)
  }

  /** Everything from the offset on. */
  fetch({ topic, partition, offset }: PartitionOffset): FetchedPartition {
    const batches = this.#batches.get({ topic, partition }) ?? []
    const end = this.end({ topic, partition })
    assert(offset <= end, 'nobody reads beyond the end')
    const found = batches.slice(firstBehind(batches, offset))
    return {
      topic,
      partition,
      batches: found.length === 1 && found[0] !== undefined ? found[0] : Buffer.concat(found),
      offset,
      nextOffset: end,
      highWatermark: end,
    }
  }

  async send(batches: readonly PartitionBatch[]): Promise<SentBatch[]> {
    return batches.map(batch => ({ ...batch, offset: this.append(batch) }))
  }

  commit(offsets: readonly CommittedOffset[]): void {
    for (const offset of offsets) this.#committed.set(offset, offset)
  }

  async committedOffsets(
    _group: string,
    partitions: readonly TopicPartition[],
  ): Promise<CommittedOffset[]> {
    return partitions.flatMap(partition => this.#committed.get(partition) ?? [])
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    at: OffsetSpec,
  ): Promise<PartitionOffset[]> {
    return partitions.map(({ topic, partition }) => {
      if (at === 'earliest') return { topic, partition, offset: 0 }
      if (typeof at === 'string')
        return { topic, partition, offset: this.end({ topic, partition }) }
      return { topic, partition, offset: firstSince(this.#batches.get({ topic, partition }), at) }
    })
  }

  consumer(): ReturnType<RestoreLog['consumer']> {
    let positions: readonly PartitionOffset[] = []
    return {
      assign(partitions) {
        positions = partitions
      },
      poll: async () => positions.map(position => this.fetch(position)),
      async close() {},
    }
  }
}

/** Offset of the first record at or after a time, -1 when there is none. */
function firstSince(batches: readonly Buffer[] = [], time: number): number {
  const reader = new RecordReader({ checkCrc: false })
  for (const batch of batches) {
    if (maxTimestamp(batch) < time) continue
    reader.reset(batch)
    while (reader.next()) if (reader.timestamp >= time) return reader.offset
  }
  return -1
}

/** Index of the first batch that holds the offset or a later one. */
function firstBehind(batches: readonly Buffer[], offset: number): number {
  let low = 0
  let high = batches.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const batch = batches[middle]
    assert(batch !== undefined)
    if (nextOffset(batch) <= offset) low = middle + 1
    else high = middle
  }
  return low
}
