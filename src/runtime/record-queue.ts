import assert from 'node:assert/strict'

import type { FetchedPartition, TopicPartition } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import type { Serde } from '../serde/serde.ts'
import { noHeaders, type StreamRecord } from '../topology/record.ts'
import type { SourceNode } from '../topology/topology.ts'

/**
 * The input of a task from one partition: batches as they were fetched, of which only the head record is decoded. Kafka
 * Streams' `RecordQueue`.
 */
export class RecordQueue implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly source: SourceNode
  /** Offset of the head; of the last head taken while there is none. */
  offset: number
  /** Event time of the head, valid while `hasHead()` holds. */
  headTimestamp = 0
  /** Largest timestamp taken so far, -1 before the first. */
  partitionTime: number
  /** Bytes of the batches that are not used up. */
  bufferedBytes = 0
  /** Where a restart has to go on: behind the last record taken, or behind all that was fetched. */
  nextOffset: number
  /** What of that was committed last. */
  committedOffset: number
  /** Records that were skipped because the extractor gave them a negative time. */
  skipped = 0
  // Checksums are the consumer's business.
  readonly #reader = new RecordReader({ checkCrc: false })
  readonly #fetches: FetchedPartition[] = []
  #current: FetchedPartition | null = null
  #head: StreamRecord<unknown, unknown> | null = null
  #position: number
  #highWatermark: number | null = null
  #failure: unknown = null

  constructor(source: SourceNode, start: QueueStart) {
    this.topic = start.topic
    this.partition = start.partition
    this.source = source
    this.offset = start.offset - 1
    this.nextOffset = start.offset
    this.committedOffset = start.offset
    this.partitionTime = start.partitionTime
    this.#position = start.offset
  }

  add(fetched: FetchedPartition): void {
    this.#fetches.push(fetched)
    this.bufferedBytes += fetched.batches.length
    this.#position = fetched.nextOffset
    this.#highWatermark = fetched.highWatermark
  }

  /** Tells how far the partition goes; what is fetched later says it as well. */
  knowHighWatermark(highWatermark: number): void {
    this.#highWatermark = highWatermark
  }

  /** Everything that there is to read has been fetched, as far as anybody knows. */
  get isCaughtUp(): boolean {
    return this.#highWatermark !== null && this.#position >= this.#highWatermark
  }

  /**
   * Whether there is a record to take; decodes it if so. Throws SERDE_ERROR or INVALID_TIMESTAMP naming topic, partition
   * and offset when it cannot be.
   */
  hasHead(): boolean {
    if (this.#head !== null) return true
    if (this.#failure !== null) throw this.#failure
    try {
      return this.#findHead()
    } catch (error) {
      // The reader stands behind the record already: going on would lose it.
      this.#failure = error
      throw error
    }
  }

  /** The head, which `hasHead()` has found; the next record becomes the head. */
  take(): StreamRecord<unknown, unknown> {
    const head = this.#head
    assert(head !== null, 'there is no head to take')
    this.#head = null
    this.nextOffset = this.offset + 1
    if (this.headTimestamp > this.partitionTime) this.partitionTime = this.headTimestamp
    return head
  }

  #findHead(): boolean {
    while (this.#advance()) {
      const head = this.#decode()
      const timestamp = this.#eventTime(head)
      if (timestamp >= 0) {
        this.headTimestamp = timestamp
        this.#head = timestamp === head.timestamp ? head : { ...head, timestamp }
        return true
      }
      this.skipped++
      this.nextOffset = this.offset + 1
    }
    this.nextOffset = this.#position
    return false
  }

  /** Moves the reader to the next record that is data and was not read before. */
  #advance(): boolean {
    const reader = this.#reader
    for (;;) {
      const from = this.#current?.offset ?? 0
      while (this.#current !== null && reader.next()) {
        if (reader.isControl || reader.offset < from) continue
        this.offset = reader.offset
        return true
      }
      if (this.#current !== null) this.bufferedBytes -= this.#current.batches.length
      this.#current = this.#fetches.shift() ?? null
      if (this.#current === null) return false
      reader.reset(this.#current.batches)
    }
  }

  #decode(): StreamRecord<unknown, unknown> {
    const reader = this.#reader
    const { key, value } = this.source
    const headers = reader.headers
    return {
      key: this.#deserialize('key', key, reader.key),
      value: this.#deserialize('value', value, reader.value),
      timestamp: reader.timestamp,
      headers: headers.length === 0 ? noHeaders : headers,
    }
  }

  #deserialize(part: string, serde: Serde<unknown>, bytes: Buffer | null): unknown {
    if (bytes === null) return null
    try {
      return serde.deserialize(bytes)
    } catch (cause) {
      throw new MillraceError(
        'SERDE_ERROR',
        `The ${part} of the record at ${this.#place()} could not be read by the serde ${serde.name} of ${this.source.name}: ${messageOf(cause).replace(/\.$/, '')}. Use the serde it was written with.`,
        { cause },
      )
    }
  }

  #eventTime(record: StreamRecord<unknown, unknown>): number {
    const extractor = this.source.timestamp
    if (extractor === undefined) {
      if (record.timestamp < 0) {
        throw this.#invalidTimestamp(
          record.timestamp,
          'Its producer wrote none. Give the source a timestamp extractor.',
        )
      }
      return record.timestamp
    }
    const timestamp = this.#extract(extractor, record)
    if (!Number.isSafeInteger(timestamp)) {
      throw this.#invalidTimestamp(
        timestamp,
        `The timestamp extractor of ${this.source.name} must return milliseconds since the Unix epoch as an integer, or a negative one to skip the record.`,
      )
    }
    return timestamp
  }

  #extract(
    extractor: NonNullable<SourceNode['timestamp']>,
    record: StreamRecord<unknown, unknown>,
  ): number {
    try {
      return extractor(record, this.partitionTime)
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      throw new MillraceError(
        'PROCESSING_ERROR',
        `The timestamp extractor of ${this.source.name} threw on the record at ${this.#place()}: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  #invalidTimestamp(timestamp: unknown, advice: string): MillraceError {
    return new MillraceError(
      'INVALID_TIMESTAMP',
      `The record at ${this.#place()} has the timestamp ${String(timestamp)}. ${advice}`,
    )
  }

  #place(): string {
    return `topic ${this.topic}, partition ${this.partition}, offset ${this.offset}`
  }
}

/** Where a queue begins. */
export interface QueueStart extends TopicPartition {
  /** Offset of the first record that is wanted. */
  readonly offset: number
  /** Largest timestamp taken before that, -1 when there was none. */
  readonly partitionTime: number
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
