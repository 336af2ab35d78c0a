import type { Serde } from '../serde/serde.ts'

/**
 * A store that an operator keeps. `kind` decides the interface that `ProcessorContext.store` returns: `stores.ts` has one
 * for each.
 */
export type StoreDefinition =
  QueryableDefinition | UnmatchedRecordsDefinition | RecordBufferDefinition | ChangeBufferDefinition

/** The others are what operators keep for themselves. */
export type QueryableDefinition =
  KeyValueDefinition | VersionedDefinition | WindowDefinition | SessionDefinition

export function isQueryable(definition: StoreDefinition): definition is QueryableDefinition {
  return !operatorKinds.has(definition.kind)
}

const operatorKinds: ReadonlySet<StoreDefinition['kind']> = new Set([
  'unmatchedRecords',
  'recordBuffer',
  'changeBuffer',
])

interface StoreBase {
  readonly name: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** Topic that holds the store's changes; null when the store is not logged. */
  readonly changelogTopic: string | null
  /** Topic whose records are the rows: the store is restored from there, up to what the task has processed of it. */
  readonly sourceTopic?: string
  /** The rows are in memory alone, and all restored from the changelog at each start. */
  readonly inMemory?: boolean | undefined
  /** Whether updates of the table may wait in the record cache. @defaultValue true */
  readonly caching?: boolean
}

export interface KeyValueDefinition extends StoreBase {
  readonly kind: 'keyValue' | 'timestampedKeyValue'
  /** Whether ranges of keys can be read without waiting; then all keys are in memory. */
  readonly ordered?: boolean
  /** Only so many rows are kept: of more, that which was not used for longest goes. */
  readonly maxEntries?: number
  /**
   * Whether the rows are what an operator needs on the way to its results. They can be read, but may depend on how updates
   * came to it.
   */
  readonly bookkeeping?: boolean
}

export interface VersionedDefinition extends StoreBase {
  readonly kind: 'versionedKeyValue'
  /** How long earlier versions can be read and written after stream time has passed them, in milliseconds. */
  readonly historyRetentionMs: number
}

export interface WindowDefinition extends StoreBase {
  readonly kind: 'window' | 'timestampedWindow'
  /** How long a window stays readable after stream time has passed its start, in milliseconds. */
  readonly retentionMs: number
  /** Size of the windows in milliseconds. */
  readonly windowSizeMs: number
  /** Keeps every value that is put under a key and start, in the order of arrival. */
  readonly retainDuplicates?: boolean
  /** Whether ranges of time can be read without waiting; then the keys of all rows are in memory. */
  readonly ordered?: boolean
  /** Whether rows of all keys can be read in the order of their starts; the keys are in memory once more. */
  readonly timeIndex?: boolean
}

export interface SessionDefinition extends StoreBase {
  readonly kind: 'session'
  /** How long a session stays readable after stream time has passed its end, in milliseconds. */
  readonly retentionMs: number
  /** Whether sessions of all keys can be read in the order of their ends; the keys are in memory once more. */
  readonly timeIndex?: boolean
}

/** Records of a stream-stream join that wait for a partner: `value` is the serde of the left ones. */
export interface UnmatchedRecordsDefinition extends StoreBase {
  readonly kind: 'unmatchedRecords'
  /** Of the right ones. */
  readonly otherValue: Serde<unknown>
}

/** Records of a stream that wait until time has gone on. */
export interface RecordBufferDefinition extends StoreBase {
  readonly kind: 'recordBuffer'
}

/** Changes of a table that are held back. */
export interface ChangeBufferDefinition extends StoreBase {
  readonly kind: 'changeBuffer'
}

/** A definition without what the compiler adds to it. */
export type WithoutChangelog<D extends StoreDefinition = StoreDefinition> = D extends unknown
  ? Omit<D, 'changelogTopic'>
  : never
