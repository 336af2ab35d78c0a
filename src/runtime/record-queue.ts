import assert from 'node:assert/strict'

import type { FetchedPartition, TopicPartition } from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import { type Headers, noHeaders, type StreamRecord } from '../topology/record.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import type { RecordOrigin, TimestampExtractor } from '../topology/timestamp-extractors.ts'
import type { SourceNode } from '../topology/topology.ts'
import type { Failure, InputAtWork, TaskErrors } from './task-errors.ts'

/**
 * The input of a task from one partition: batches as they were fetched, of which only the head record is decoded. Kafka
 * Streams' `RecordQueue`.
 */
export class RecordQueue implements TopicPartition, InputAtWork, RecordOrigin {
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
  /** Records that were taken. */
  takenRecords = 0
  /** Bytes of the batches that are used up. */
  takenBytes = 0
  /** Records that were left out because the extractor gave them a negative time. */
  skipped = 0
  // Checksums are the consumer's business.
  readonly #reader = new RecordReader({ checkCrc: false, anyTimestamp: true })
  readonly #fetches: FetchedPartition[] = []
  #current: FetchedPartition | null = null
  #head: StreamRecord<unknown, unknown> | null = null
  #position: number
  #highWatermark: number | null = null
  #failure: unknown = null
  readonly #extractor: TimestampExtractor
  readonly #surroundings: QueueSurroundings

  constructor(source: SourceNode, start: QueueStart, surroundings: QueueSurroundings) {
    this.#surroundings = surroundings
    this.#extractor = source.timestamp ?? surroundings.config.timestampExtractor
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

  /** How many offsets are not processed; undefined while nobody knows how far the partition goes. */
  get lag(): number | undefined {
    if (this.#highWatermark === null) return undefined
    return Math.max(0, this.#highWatermark - this.nextOffset)
  }

  /** Key of the head, or of the last head taken while there is none, as it was read. A view, not a copy. */
  get rawKey(): Buffer | null {
    return this.#reader.key
  }

  /** The same of its value. */
  get rawValue(): Buffer | null {
    return this.#reader.value
  }

  /** The same of its headers. */
  get headers(): Headers {
    const { headers } = this.#reader
    return headers.length === 0 ? noHeaders : headers
  }

  get wallClockTimeMs(): number {
    return this.#surroundings.now()
  }

  /**
   * Whether there is a record to take; decodes it if so. What its serdes cannot read is passed over if the deserialization
   * handler says so. Otherwise throws SERDE_ERROR or INVALID_TIMESTAMP naming topic, partition and offset.
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
    this.takenRecords++
    this.nextOffset = this.offset + 1
    if (this.headTimestamp > this.partitionTime) this.partitionTime = this.headTimestamp
    return head
  }

  #findHead(): boolean {
    while (this.#advance()) {
      const head = this.#decode()
      if (head !== undefined && this.#isTimed(head)) return true
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
      if (this.#current !== null) {
        this.bufferedBytes -= this.#current.batches.length
        this.takenBytes += this.#current.batches.length
      }
      this.#current = this.#fetches.shift() ?? null
      if (this.#current === null) return false
      reader.reset(this.#current.batches)
    }
  }

  /** The head; undefined when a serde cannot read it and the record is to be left out. */
  #decode(): StreamRecord<unknown, unknown> | undefined {
    const reader = this.#reader
    const { source } = this
    let part: 'key' | 'value' = 'key'
    try {
      const { key: keyBytes, value: valueBytes } = reader
      const key = keyBytes === null ? null : source.key.deserialize(keyBytes)
      part = 'value'
      const value = valueBytes === null ? null : source.value.deserialize(valueBytes)
      return { key, value, timestamp: this.#timestamp(), headers: this.headers }
    } catch (error) {
      this.#surroundings.errors.deserializationFailed(this.#unreadable(part, error), part)
      return undefined
    }
  }

  /** What no number holds exactly is as good as no timestamp: timestamp extractors decide about it. */
  #timestamp(): number {
    const { timestamp } = this.#reader
    return Number.isSafeInteger(timestamp) ? timestamp : noTimestamp
  }

  #unreadable(part: 'key' | 'value', error: unknown): Failure {
    const { name: nodeName, [part]: serde } = this.source
    const reason = messageOf(error).replace(/\.$/, '')
    const sentence = new MillraceError(
      'SERDE_ERROR',
      `The ${part} of the record at ${this.#place()} could not be read by the serde ${serde.name} of ${nodeName}: ${reason}. Use the serde it was written with.`,
      { cause: error },
    )
    const timestamp = this.#timestamp()
    return { error, nodeName, input: this, timestamp, headers: this.headers, sentence }
  }

  /** Makes the record the head, with its event time, unless that is negative. */
  #isTimed(record: StreamRecord<unknown, unknown>): boolean {
    const timestamp = this.#eventTime(record)
    if (timestamp >= 0) {
      this.headTimestamp = timestamp
      this.#head = timestamp === record.timestamp ? record : { ...record, timestamp }
      return true
    }
    this.#refuse(record, timestamp)
    return false
  }

  #refuse({ timestamp, headers }: StreamRecord<unknown, unknown>, extracted: number): void {
    const { errors, logger } = this.#surroundings
    const { topic, partition, offset } = this
    const { name: nodeName } = this.source
    const reason = `its extracted timestamp is ${extracted}`
    const fields = { node: nodeName, topic, partition, offset, reason }
    // One warning a partition: a stream of such records must not become a stream of warnings.
    if (this.skipped === 0) logger.warn(fields, `${nodeName} drops records: ${reason}`)
    else logger.debug(fields, `${nodeName} dropped a record: ${reason}`)
    this.skipped++
    errors.refused(reason, { nodeName, input: this, timestamp, headers })
  }

  #eventTime(record: StreamRecord<unknown, unknown>): number {
    const timestamp = this.#extract(record)
    if (Number.isSafeInteger(timestamp)) return timestamp
    throw new MillraceError(
      'INVALID_TIMESTAMP',
      `The timestamp extractor of ${this.source.name} returned ${String(timestamp)} for the record at ${this.#place()}. It must return milliseconds since the Unix epoch as an integer, or a negative one to leave the record out.`,
    )
  }

  #extract(record: StreamRecord<unknown, unknown>): number {
    try {
      return this.#extractor(record.value, record, this.partitionTime, this)
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      throw new MillraceError(
        'PROCESSING_ERROR',
        `The timestamp extractor of ${this.source.name} threw on the record at ${this.#place()}: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  #place(): string {
    return `topic ${this.topic}, partition ${this.partition}, offset ${this.offset}`
  }
}

/** Kafka's `RecordBatch.NO_TIMESTAMP`. */
const noTimestamp = -1

/** What a queue shares with its task. */
export interface QueueSurroundings {
  readonly config: Pick<ResolvedTaskConfig, 'timestampExtractor'>
  readonly errors: TaskErrors
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number
  readonly logger: Logger
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
