import type { Isolation } from '../../state/row-reader.ts'
import type {
  KeyRange,
  KeyValueRow,
  SessionKeyRange,
  SessionRange,
  SessionRow,
  TimeRange,
  ValueAndTimestamp,
  VersionedRecord,
  VersionRange,
  WindowRange,
  WindowRow,
} from '../../state/stores.ts'
import type { Position } from './position.ts'

/**
 * A question to a store, as data. Whoever asks says of which types the store's keys and values are, as they do with
 * `application.store`: `keyQuery<string, number>('a')`. Kafka Streams' `Query` (KIP-796).
 */
export type Query<Result> = QueryNode & {
  /** Only for the compiler of TypeScript: no value ever stands here. */
  readonly result?: Result
}

export type QueryNode =
  | { readonly kind: 'key'; readonly key: unknown }
  | { readonly kind: 'range'; readonly range: KeyRange<unknown> }
  | { readonly kind: 'windowKey'; readonly key: unknown; readonly range: TimeRange }
  | { readonly kind: 'windowRange'; readonly range: WindowRange<unknown> }
  | { readonly kind: 'session'; readonly key: unknown; readonly range: SessionRange }
  | { readonly kind: 'sessionRange'; readonly range: SessionKeyRange<unknown> }
  | { readonly kind: 'versionedKey'; readonly key: unknown; readonly asOf?: number }
  | { readonly kind: 'multiVersionedKey'; readonly key: unknown; readonly range: VersionRange }

/**
 * The row of a key of a key-value store, the latest one of a versioned store. Kafka Streams' `KeyQuery`.
 *
 * @example
 * ```ts
 * import { keyQuery } from 'millrace'
 *
 * keyQuery<string, number>('a') // → { kind: 'key', key: 'a' }
 * ```
 */
export const keyQuery = <K, V>(key: K): Query<ValueAndTimestamp<V> | undefined> => ({
  kind: 'key',
  key,
})

/**
 * Rows of a key-value store between two keys, or with a prefix, in the order of their keys' bytes or backwards; all of them
 * without a bound. Of a versioned store all latest versions, without a bound. Kafka Streams' `RangeQuery`, KIP-805 and KIP-985.
 *
 * @example
 * ```ts
 * import { rangeQuery } from 'millrace'
 *
 * rangeQuery<string, number>({ from: 'a', to: 'c', reverse: true }).kind // → 'range'
 * ```
 */
export const rangeQuery = <K, V>(
  range: KeyRange<K> = {},
): Query<AsyncIterable<KeyValueRow<K, V>>> => ({ kind: 'range', range })

/**
 * Rows of a key of a window store whose windows start in a span of time (ms since the Unix epoch, both included). Kafka
 * Streams' `WindowKeyQuery`, KIP-806.
 *
 * @example
 * ```ts
 * import { windowKeyQuery } from 'millrace'
 *
 * windowKeyQuery<string, number>('a', { from: 0, to: 60_000 }).kind // → 'windowKey'
 * ```
 */
export const windowKeyQuery = <K, V>(
  key: K,
  range: TimeRange = {},
): Query<AsyncIterable<WindowRow<K, V>>> => ({ kind: 'windowKey', key, range })

/**
 * Rows of a window store of all keys, or a range of them, whose windows start in a span of time. Kafka Streams'
 * `WindowRangeQuery`.
 *
 * @example
 * ```ts
 * import { windowRangeQuery } from 'millrace'
 *
 * windowRangeQuery<string, number>({ from: 0, to: 60_000 }).kind // → 'windowRange'
 * ```
 */
export const windowRangeQuery = <K, V>(
  range: WindowRange<K> = {},
): Query<AsyncIterable<WindowRow<K, V>>> => ({ kind: 'windowRange', range })

/**
 * Sessions of a key. Kafka Streams' `WindowRangeQuery.withKey`.
 *
 * @example
 * ```ts
 * import { sessionQuery } from 'millrace'
 *
 * sessionQuery<string, number>('ann', { earliestEnd: 0 }).kind // → 'session'
 * ```
 */
export const sessionQuery = <K, V>(
  key: K,
  range: SessionRange = {},
): Query<AsyncIterable<SessionRow<K, V>>> => ({ kind: 'session', key, range })

/**
 * Sessions of all keys, or a range of them.
 *
 * @example
 * ```ts
 * import { sessionRangeQuery } from 'millrace'
 *
 * sessionRangeQuery<string, number>({ fromKey: 'a', toKey: 'c' }).kind // → 'sessionRange'
 * ```
 */
export const sessionRangeQuery = <K, V>(
  range: SessionKeyRange<K> = {},
): Query<AsyncIterable<SessionRow<K, V>>> => ({ kind: 'sessionRange', range })

/**
 * The latest version of a key of a versioned store, or the one that was valid at a time in milliseconds since the Unix epoch.
 * Kafka Streams' `VersionedKeyQuery`, KIP-960.
 *
 * @example
 * ```ts
 * import { versionedKeyQuery } from 'millrace'
 *
 * versionedKeyQuery<string, number>('a', 60_000) // → { kind: 'versionedKey', key: 'a', asOf: 60_000 }
 * ```
 */
export const versionedKeyQuery = <K, V>(
  key: K,
  asOf?: number,
): Query<VersionedRecord<V> | undefined> => ({
  kind: 'versionedKey',
  key,
  ...(asOf !== undefined && { asOf }),
})

/**
 * The versions of a key of a versioned store that were valid in a span of time, earliest first or backwards. Kafka Streams'
 * `MultiVersionedKeyQuery`, KIP-968.
 *
 * @example
 * ```ts
 * import { multiVersionedKeyQuery } from 'millrace'
 *
 * multiVersionedKeyQuery<string, number>('a', { from: 0, reverse: true }).kind // → 'multiVersionedKey'
 * ```
 */
export const multiVersionedKeyQuery = <K, V>(
  key: K,
  range: VersionRange = {},
): Query<AsyncIterable<VersionedRecord<V>>> => ({ kind: 'multiVersionedKey', key, range })

/** What is asked of which store, and how. Kafka Streams' `StateQueryRequest`. */
export interface QueryRequest<Result> {
  readonly store: string
  readonly query: Query<Result>
  /** Only these partitions; without it, all those that this instance has. */
  readonly partitions?: readonly number[]
  /** Only partitions whose tasks are at work here: standbys, and tasks that are being restored, fail as NOT_ACTIVE. */
  readonly requireActive?: boolean
  /** Only partitions that have come at least as far. */
  readonly positionBound?: Position
  /** How long a partition that is behind the bound may take to reach it, in milliseconds. @defaultValue 0 */
  readonly waitMs?: number
  /** Whether rows are seen before they are committed. @defaultValue 'readUncommitted' */
  readonly isolation?: Isolation
}

/** What a task is to a partition of a store: at work on it, not yet, or a copy of it. */
export type Role = 'active' | 'restoring' | 'standby'

/** Why a partition has no answer. Kafka Streams' `FailureReason`. */
export type QueryFailure =
  | 'UNKNOWN_QUERY_TYPE'
  | 'NOT_ACTIVE'
  | 'NOT_UP_TO_BOUND'
  | 'NOT_PRESENT'
  | 'DOES_NOT_EXIST'
  | 'STORE_EXCEPTION'

/** The answer of a partition, or why there is none. */
export type PartitionResult<Result> =
  | {
      readonly ok: true
      readonly partition: number
      readonly value: Result
      readonly role: Role
      /** The store reflects at least this; a range that is read later may reflect more. */
      readonly position: Position
    }
  | {
      readonly ok: false
      readonly partition: number
      readonly failure: QueryFailure
      readonly message: string
    }

/** Kafka Streams' `StateQueryResult`. */
export interface QueryResult<Result> {
  readonly partitions: ReadonlyMap<number, PartitionResult<Result>>
  /** Of all partitions that have answered, together. */
  readonly position: Position
}
