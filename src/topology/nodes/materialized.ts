import { MillraceError } from '../../errors.ts'
import type { Serde } from '../../serde/serde.ts'
import type { Emission } from '../compile/emission.ts'
import type { TableView } from '../compile/plan-tables.ts'
import type { Logging } from '../topology.ts'
import type { VersionedKeyValueStore } from '../../state/stores.ts'
import { type DurationLike, toMillis } from '../../windowing/duration.ts'

/** How a table is stored: what the DSL's options say about it. Kafka Streams' `Materialized`. */
export interface Materialized {
  /** Name of the store. Only a table with a named store is always stored and can be queried. */
  readonly store?: string | undefined
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
  /** Whether the changes of the store go to a changelog topic, from which it can be restored. */
  readonly changelog?: Logging | undefined
  /** Whether the rows are in memory alone. */
  readonly inMemory?: boolean | undefined
  /** Whether updates may wait in the record cache. */
  readonly caching?: boolean | undefined
  /** Only so many rows are kept, in memory; undefined for all. */
  readonly maxEntries?: number | undefined
  /** How long earlier versions of the rows are kept; without it there are none. Needs the name of a store. */
  readonly historyRetention?: DurationLike | undefined
}

/** The same in milliseconds. */
export function historyRetentionMs({ historyRetention }: Materialized): number | undefined {
  if (historyRetention === undefined) return undefined
  return toMillis(historyRetention, 'The history retention of a versioned table')
}

/** Whether the options speak of a store at all, named or not: Kafka Streams numbers some nodes by it. */
export function isMaterialized(options: Materialized): boolean {
  const { store, key, value, changelog, inMemory, caching, maxEntries, historyRetention } = options
  return [store, key, value, changelog, inMemory, caching, maxEntries, historyRetention].some(
    option => option !== undefined,
  )
}

/**
 * Emits the key-value store of a table, if it has one. Returns the names of the node's stores. With a `sourceTopic` it has no
 * changelog: that topic is one.
 */
export function emitStore(
  node: Materialized,
  emission: Emission,
  call: string,
  sourceTopic?: string,
): readonly string[] {
  const { changelog = true, maxEntries, caching = true } = node
  const inMemory = node.inMemory ?? (maxEntries === undefined ? undefined : true)
  const retentionMs = historyRetentionMs(node)
  if (retentionMs !== undefined && node.store === undefined) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The table of ${emission.names.name} keeps its history, which needs a store with a name. Give one: ${call}({ store: … }).`,
    )
  }
  const { store } = emission.table
  if (store === undefined) return []
  const { key, value } = emission.serdes
  const definition = {
    name: store,
    key: emission.require(key, `the keys of the store ${store}`, `${call}({ key: … })`),
    value: emission.require(value, `the values of the store ${store}`, `${call}({ value: … })`),
    inMemory,
    caching,
    ...(sourceTopic !== undefined && { sourceTopic }),
  }
  if (retentionMs === undefined) {
    const kind = 'timestampedKeyValue'
    const rows = { kind, ...definition, ...(maxEntries !== undefined && { maxEntries }) } as const
    emission.store(rows, { logged: changelog })
  } else {
    const kind = 'versionedKeyValue'
    const versions = { kind, historyRetentionMs: retentionMs, ...definition } as const
    emission.store(versions, { logged: changelog })
  }
  return [store]
}

/** Rows of a key-value or versioned store, by key. */
export function keyValueView(store: string): TableView {
  return {
    stores: [store],
    get(context) {
      const rows = context.store<VersionedKeyValueStore<unknown, unknown>>(store)
      // Stores without versions take no notice of the time.
      return (key, asOf) => rows.get(key, asOf)
    },
  }
}

/** Rows computed from those of the table before, for a derived table without a store. */
export function derivedView(
  { stores, get }: TableView,
  derive: (row: unknown, key: unknown) => unknown,
): TableView {
  return {
    stores,
    get(context) {
      const rowOf = get(context)
      const derived: typeof rowOf = (key, asOf) => {
        const row = rowOf(key, asOf)
        if (row === undefined) return undefined
        const value = derive(row.value, key)
        return value === null ? undefined : { value, timestamp: row.timestamp }
      }
      return Object.assign(derived, { close: rowOf.close })
    },
  }
}
