import {
  type FetchedPartition,
  type LogConsumer,
  OffsetOutOfRange,
  type TopicPartition,
} from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import type { Logger } from '../logger.ts'
import { emptyFetch } from './empty-fetch.ts'
import type { OffsetReset } from '../topology/topology.ts'
import { noPosition, type StartPosition } from './start-positions.ts'

/** More bytes than this waiting in one partition of a task pause it, as `buffered.records.per.partition` does in Kafka. */
const maxBufferedBytes = 1024 * 1024

/** Who reads the partitions: a task. */
export interface Reader {
  /** Takes the batches over. */
  add(fetched: FetchedPartition): void
  /** How much of the partition waits to be processed. */
  bufferedBytes(partition: TopicPartition): number
}

/**
 * The partitions that the tasks of a worker read, and the one fetch that is under way for them while records are
 * processed. Kafka Streams' main consumer and the buffering side of its `StreamTask`.
 */
export class Inputs {
  readonly #consumer: LogConsumer
  readonly #arrival: () => void
  readonly #logger: Logger
  readonly #inputs = new Map<string, Input>()
  readonly #paused = new Set<Input>()
  #fetching = false
  #fetched: readonly FetchedPartition[] = []
  #failure: { readonly error: unknown } | null = null

  /** `arrival` is called when a fetch is over, also when it has found nothing: it is time for the next one then. */
  constructor(consumer: LogConsumer, arrival: () => void, logger: Logger) {
    this.#consumer = consumer
    this.#arrival = arrival
    this.#logger = logger
  }

  add(reader: Reader, positions: readonly StartPosition[]): void {
    for (const position of positions) {
      const { topic, partition, offset, end, reset } = position
      this.#inputs.set(partitionName(position), { topic, partition, reader, offset, end, reset })
    }
    this.#assign()
    // A partition that comes back must not go on as it was when it left.
    for (const position of positions) this.#consumer.seek(position)
    this.#consumer.resume(positions)
  }

  remove(reader: Reader): void {
    for (const [key, input] of this.#inputs) {
      if (input.reader !== reader) continue
      this.#inputs.delete(key)
      this.#paused.delete(input)
    }
    this.#assign()
  }

  /** Begins a fetch, unless one is under way or nobody has room. */
  fetch(maxWaitMs: number): void {
    if (this.#fetching || this.#fetched.length > 0 || this.#inputs.size === this.#paused.size)
      return
    this.#fetching = true
    void this.#fetch(maxWaitMs)
  }

  async #fetch(maxWaitMs: number): Promise<void> {
    try {
      this.#fetched = await this.#consumer.poll(maxWaitMs)
    } catch (error) {
      this.#failure = { error }
    }
    this.#fetching = false
    this.#arrival()
  }

  /** Hands what has arrived to the tasks and says whether there was anything. Throws what a fetch failed with. */
  deliver(): boolean {
    if (this.#failure !== null) this.#recover(this.#failure.error)
    this.#failure = null
    const fetched = this.#fetched
    this.#fetched = []
    for (const part of fetched) {
      const input = this.#inputs.get(partitionName(part))
      if (input === undefined) continue
      if (part.offset !== input.offset) {
        // The fetch began before the partition was taken away and given back at another offset.
        this.#consumer.seek(input)
        continue
      }
      input.offset = part.nextOffset
      input.end = part.highWatermark
      input.reader.add(part)
    }
    return fetched.length > 0
  }

  /** Stops fetching for partitions of which enough is buffered and goes on with those that have room again. */
  balance(): void {
    const pause: Input[] = []
    const resume: Input[] = []
    for (const input of this.#inputs.values()) {
      const full = input.reader.bufferedBytes(input) > maxBufferedBytes
      if (full === this.#paused.has(input)) continue
      if (full) pause.push(input)
      else resume.push(input)
    }
    for (const input of pause) this.#paused.add(input)
    for (const input of resume) this.#paused.delete(input)
    if (pause.length > 0) this.#consumer.pause(pause)
    if (resume.length > 0) this.#consumer.resume(resume)
  }

  /**
   * Goes on where the source says when retention has overtaken a slow reader, or the topic was recreated: by default at the
   * first record that there is. Throws every other error.
   */
  #recover(error: unknown): void {
    if (!(error instanceof OffsetOutOfRange)) throw error
    const { topic, partition, offset, logStartOffset, logEndOffset } = error
    const input = this.#inputs.get(partitionName(error))
    // It may have been taken away, or be read from elsewhere by now.
    if (input === undefined || input.offset !== offset) return
    if (input.reset === 'none') {
      const bounds = { topic, partition, start: logStartOffset, end: logEndOffset }
      throw noPosition(bounds, offset)
    }
    const next = input.reset === 'latest' ? logEndOffset : logStartOffset
    this.#logger.warn(
      { topic, partition, offset, earliest: logStartOffset, latest: logEndOffset },
      `The offset ${offset} of ${topic}-${partition} is not in the log any more: going on at ${next}`,
    )
    input.offset = next
    input.end = logEndOffset
    input.reader.add(emptyFetch({ topic, partition, offset: next }, logEndOffset))
    this.#consumer.seek(input)
  }

  close(): Promise<void> {
    return this.#consumer.close()
  }

  #assign(): void {
    this.#consumer.assign([...this.#inputs.values()])
  }
}

interface Input extends TopicPartition {
  readonly reader: Reader
  readonly reset: OffsetReset
  /** Position: everything before it was given to the reader. */
  offset: number
  /** The end of the partition as far as we know. */
  end: number
}
