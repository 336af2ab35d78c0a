import type { Headers } from '../topology/record.ts'
import type { TopicCollector } from './record-collector.ts'

/**
 * A topic that a sink or a handler chose while records are processed, and of which nobody knows yet how many partitions it has.
 * What is to be written there waits, in its order, until the commit has looked that up.
 */
export class UnknownTopic implements TopicCollector {
  readonly name: string
  readonly partitions = 0
  readonly #waiting: ((topic: TopicCollector) => void)[] = []
  #known: TopicCollector | null = null

  constructor(name: string) {
    this.name = name
  }

  whenKnown(write: (topic: TopicCollector) => void): void {
    if (this.#known === null) this.#waiting.push(write)
    else write(this.#known)
  }

  append(
    partition: number | null,
    keyBytes: Buffer | null,
    valueBytes: Buffer | null,
    timestamp: number,
    headers: Headers,
  ): void {
    // The caller goes on to use the bytes.
    const key = keyBytes && Buffer.from(keyBytes)
    const value = valueBytes && Buffer.from(valueBytes)
    this.whenKnown(topic => topic.append(partition, key, value, timestamp, headers))
  }

  /** Writes what waits to the topic itself, and from now on everything. */
  resolve(topic: TopicCollector): void {
    this.#known = topic
    for (const write of this.#waiting.splice(0)) write(topic)
  }
}
