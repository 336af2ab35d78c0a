import type { FetchedPartition } from '../../src/client/log-client.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import type { ChangelogWriter } from '../../src/state/task-state.ts'

export interface ChangelogRecord {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly timestamp: number
}

/** The changelog topics of a task in memory: one partition each. */
export class FakeChangelog {
  readonly topics = new Map<string, ChangelogRecord[]>()

  readonly write: ChangelogWriter = (topic, key, value, timestamp) => {
    const records = this.topics.get(topic) ?? []
    this.topics.set(topic, records)
    records.push({ key: Buffer.from(key), value: value && Buffer.from(value), timestamp })
  }

  records(topic: string): readonly ChangelogRecord[] {
    return this.topics.get(topic) ?? []
  }

  /** What the checkpoints of a commit are: the end of each topic. */
  ends(partition: number): { topic: string; partition: number; offset: number }[] {
    return [...this.topics].map(([topic, records]) => ({
      topic,
      partition,
      offset: records.length,
    }))
  }

  /** The records from an offset on, as a consumer would bring them, at most `limit` of them. */
  fetch(topic: string, partition: number, offset: number, limit = Infinity): FetchedPartition {
    const all = this.records(topic)
    const records = all.slice(offset, offset + limit)
    const builder = new RecordBatchBuilder()
    for (const { key, value, timestamp } of records) builder.append(key, value, timestamp, [])
    return {
      topic,
      partition,
      batches: records.length === 0 ? Buffer.alloc(0) : builder.build({ baseOffset: offset }),
      offset,
      nextOffset: offset + records.length,
      highWatermark: all.length,
    }
  }
}
