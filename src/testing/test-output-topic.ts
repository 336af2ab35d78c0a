import type { StreamRecord } from '../topology/record.ts'
import type { TopicSerdes } from './test-input-topic.ts'
import type { BytesRecord } from './test-topics.ts'

/**
 * A record as it was written: any of them may have no key or no value.
 */
export type TestRecord<K, V> = StreamRecord<K | null, V | null>

/**
 * Reads what the topology has written to a topic, each record once, in the order of writing. `TestDriver.outputTopic`
 * makes it. Kafka Streams' `TestOutputTopic`.
 *
 * @example
 * ```ts
 * import { string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
 * const output = driver.outputTopic('out', text)
 * driver.inputTopic('in', text).pipe('a', 'yes')
 * output.size // → 1
 * ```
 */
export class TestOutputTopic<K, V> {
  readonly name: string
  readonly #topic: UnreadRecords
  readonly #serdes: TopicSerdes<K, V>

  constructor(topic: UnreadRecords, serdes: TopicSerdes<K, V>) {
    this.name = topic.name
    this.#topic = topic
    this.#serdes = serdes
  }

  /** Number of records that were not read yet. */
  get size(): number {
    return this.#topic.unread.length
  }

  /**
   * The next record; undefined when there is none.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * const output = driver.outputTopic('out', text)
   * output.read() // → { key: 'a', value: 'yes', timestamp: 0, headers: [] }
   * output.read() // → undefined
   * ```
   */
  read(): TestRecord<K, V> | undefined {
    const next = this.#topic.unread.shift()
    return next === undefined ? undefined : this.#decode(next.record)
  }

  /**
   * All records that were not read yet.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * driver.inputTopic('in', text).pipe('b', 'no')
   * const output = driver.outputTopic('out', text)
   * output.readAll().map(({ value }) => value) // → ['yes', 'no']
   * output.readAll() // → []
   * ```
   */
  readAll(): TestRecord<K, V>[] {
    return this.#topic.unread.splice(0).map(({ record }) => this.#decode(record))
  }

  #decode({ key, value, timestamp, headers }: BytesRecord): TestRecord<K, V> {
    return {
      key: key === null ? null : this.#serdes.key.deserialize(key),
      value: value === null ? null : this.#serdes.value.deserialize(value),
      timestamp,
      headers,
    }
  }
}

/** A topic with what nobody has read of it yet; what is read is taken from the list. */
interface UnreadRecords {
  readonly name: string
  readonly unread: { readonly record: BytesRecord }[]
}
