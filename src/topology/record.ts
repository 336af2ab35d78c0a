/**
 * One record on its way through a topology. Immutable: an operator that changes something forwards a new one.
 * Kafka Streams' `processor.api.Record`.
 */
export interface StreamRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Event time in milliseconds since the Unix epoch: a safe integer of at least 0. */
  readonly timestamp: number
  readonly headers: Headers
}

/**
 * Headers of a record, in their order; a key may stand there several times.
 */
export type Headers = readonly Header[]

/**
 * One header of a record: what travels beside its value.
 */
export interface Header {
  readonly key: string
  readonly value: Buffer | null
}

export const noHeaders: Headers = Object.freeze([])

/** An update of a table: what a `KTable` forwards as the value of its records. */
export interface Change<V> {
  readonly newValue: V | null
  /** What the key held before; null when nothing, or when nobody downstream asked for old values. */
  readonly oldValue: V | null
  /** False when the row has a later version already: only rows of versioned tables have. */
  readonly isLatest?: boolean
}

/** Where the record being processed was read from. Absent in punctuation and initialisation. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What is known of a record beside its key and value. Kafka Streams' `RecordContext`. */
export interface RecordContext {
  /** Where the input record came from; null for records of punctuators. */
  readonly metadata: RecordMetadata | null
  /** Event time in milliseconds since the Unix epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

/** The record with another value. */
export function withValue<K, V>(record: StreamRecord<K, unknown>, value: V): StreamRecord<K, V> {
  return { key: record.key, value, timestamp: record.timestamp, headers: record.headers }
}

/** The record with another key. */
export function withKey<K, V>(record: StreamRecord<unknown, V>, key: K): StreamRecord<K, V> {
  return { key, value: record.value, timestamp: record.timestamp, headers: record.headers }
}
