import type { TopicPartition } from './log-client.ts'

/** A map from (topic, partition), without building a key string for each look-up. */
export class PartitionMap<Value> {
  #topics = new Map<string, Map<number, Value>>()

  get({ topic, partition }: TopicPartition): Value | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  set({ topic, partition }: TopicPartition, value: Value): void {
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) {
      partitions = new Map()
      this.#topics.set(topic, partitions)
    }
    partitions.set(partition, value)
  }

  clear(): void {
    this.#topics.clear()
  }
}

/** The entries of each topic, as requests group them. */
export function byTopic<Entry extends TopicPartition>(
  entries: Iterable<Entry>,
): Map<string, Entry[]> {
  const topics = new Map<string, Entry[]>()
  for (const entry of entries) {
    const list = topics.get(entry.topic)
    if (list === undefined) topics.set(entry.topic, [entry])
    else list.push(entry)
  }
  return topics
}

/** `orders-0`: how messages name a partition. */
export const partitionName = ({ topic, partition }: TopicPartition): string =>
  `${topic}-${partition}`
