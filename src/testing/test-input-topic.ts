import type { Serde } from '../serde/serde.ts'
import { type Headers, noHeaders } from '../topology/record.ts'
import type { BytesRecord } from './test-topics.ts'

/**
 * How the keys and values of a topic become bytes.
 */
export interface TopicSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/**
 * What a record has beside its key and value.
 */
export interface PipeOptions {
  /** Event time in milliseconds since the Unix epoch. @defaultValue the driver's clock */
  readonly timestamp?: number
  /** @defaultValue none */
  readonly headers?: Headers
  /** Partition to write to. @defaultValue that of the key's hash */
  readonly partition?: number
}

/**
 * Writes records to a topic that the topology reads. `TestDriver.inputTopic` makes it. Kafka Streams' `TestInputTopic`.
 *
 * @example
 * ```ts
 * import { string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
 * const input = driver.inputTopic('in', text)
 * input.pipe('a', 'yes')
 * input.name // → 'in'
 * ```
 */
export class TestInputTopic<K, V> {
  readonly name: string
  readonly #serdes: TopicSerdes<K, V>
  readonly #now: () => number
  readonly #pipe: PipeRecord

  constructor(
    name: string,
    serdes: TopicSerdes<K, V>,
    driver: { now: () => number; pipe: PipeRecord },
  ) {
    this.name = name
    this.#serdes = serdes
    this.#now = driver.now
    this.#pipe = driver.pipe
  }

  /**
   * Writes a record and has the topology process it, with all that follows from it. Throws what the topology throws;
   * the driver is then of no use any more.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   * const input = driver.inputTopic('in', text)
   * const headers = [{ key: 'from', value: Buffer.from('me') }]
   * input.pipe('a', 'yes', { timestamp: 5, headers })
   * input.pipe('a', null)
   * driver.outputTopic('out', text).readAll() // → [
   * //   { key: 'a', value: 'yes', timestamp: 5, headers },
   * //   { key: 'a', value: null, timestamp: 0, headers: [] }
   * // ]
   * ```
   */
  pipe(key: K | null, value: V | null, options: PipeOptions = {}): void {
    const record = {
      key: key === null ? null : this.#serdes.key.serialize(key),
      value: value === null ? null : this.#serdes.value.serialize(value),
      timestamp: options.timestamp ?? this.#now(),
      headers: options.headers ?? noHeaders,
    }
    this.#pipe(record, options.partition)
  }
}

/** Takes a record; without a partition the key decides. */
type PipeRecord = (record: BytesRecord, partition: number | undefined) => void
