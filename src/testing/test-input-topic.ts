import type { Serde } from '../serde/serde.ts'
import { type Headers, noHeaders } from '../topology/record.ts'
import type { BytesRecord } from './test-topics.ts'

export interface TopicSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

export interface PipeOptions {
  /** Event time in milliseconds since the Unix epoch. @defaultValue the driver's clock */
  readonly timestamp?: number
  /** @defaultValue none */
  readonly headers?: Headers
}

/** Writes records to a topic that the topology reads. */
export class TestInputTopic<K, V> {
  readonly name: string
  readonly #serdes: TopicSerdes<K, V>
  readonly #now: () => number
  readonly #pipe: (record: BytesRecord) => void

  constructor(
    name: string,
    serdes: TopicSerdes<K, V>,
    driver: { now: () => number; pipe: (record: BytesRecord) => void },
  ) {
    this.name = name
    this.#serdes = serdes
    this.#now = driver.now
    this.#pipe = driver.pipe
  }

  /**
   * Writes a record and has the topology process it, with all that follows from it. Throws what the topology throws; the
   * driver is then of no use any more.
   */
  pipe(key: K | null, value: V | null, options: PipeOptions = {}): void {
    this.#pipe({
      key: key === null ? null : this.#serdes.key.serialize(key),
      value: value === null ? null : this.#serdes.value.serialize(value),
      timestamp: options.timestamp ?? this.#now(),
      headers: options.headers ?? noHeaders,
    })
  }
}
