import type { Serde } from '../../serde/serde.ts'
import type { Emission } from '../compile/emission.ts'
import type { TableView } from '../compile/plan-tables.ts'
import type { Logging } from '../topology.ts'
import type { TimestampedKeyValueStore } from '../../state/stores.ts'

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
}

/** Whether the options speak of a store at all, named or not: Kafka Streams numbers some nodes by it. */
export function isMaterialized(options: Materialized): boolean {
  const { store, key, value, changelog, inMemory } = options
  return [store, key, value, changelog, inMemory].some(option => option !== undefined)
}

/**
 * Emits the key-value store of a table, if it has one. Returns the names of the node's stores. With a `sourceTopic` it has no
 * changelog: that topic is one.
 */
export function emitStore(
  { changelog = true, inMemory = false }: Materialized,
  emission: Emission,
  call: string,
  sourceTopic?: string,
): readonly string[] {
  const { store } = emission.table
  if (store === undefined) return []
  const { key, value } = emission.serdes
  emission.store(
    {
      kind: 'timestampedKeyValue',
      name: store,
      key: emission.require(key, `the keys of the store ${store}`, `${call}({ key: … })`),
      value: emission.require(value, `the values of the store ${store}`, `${call}({ value: … })`),
      inMemory,
      ...(sourceTopic !== undefined && { sourceTopic }),
    },
    { logged: changelog },
  )
  return [store]
}

/** Rows of a key-value store, by key. */
export function keyValueView(store: string): TableView {
  return {
    stores: [store],
    get(context) {
      const rows = context.store<TimestampedKeyValueStore<unknown, unknown>>(store)
      return key => rows.get(key)
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
      return key => {
        const row = rowOf(key)
        if (row === undefined) return undefined
        const value = derive(row.value, key)
        return value === null ? undefined : { value, timestamp: row.timestamp }
      }
    },
  }
}
