import { MillraceError } from '../../errors.ts'
import type { Isolation } from '../../state/row-reader.ts'
import { storeReader } from '../../state/readers/store-reader.ts'
import { isQueryable, type QueryableDefinition } from '../../state/store-definition.ts'
import type {
  QueryableStore,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
} from '../../state/stores.ts'
import type { TaskState } from '../../state/task-state.ts'
import type { Topology } from '../../topology/topology.ts'

/** What a query of a store sees. Kafka Streams' `StoreQueryParameters`. */
export interface StoreQueryOptions {
  /** Only these partitions; without it, all those that this instance has. */
  readonly partitions?: readonly number[]
  /**
   * Whether tasks that are being restored and standbys are read too: what they have may be old.
   * @defaultValue false
   */
  readonly stale?: boolean
  /** Whether rows are seen before they are committed. @defaultValue 'readUncommitted' */
  readonly isolation?: Isolation
}

export interface QuerySources {
  readonly topology: Topology
  readonly globalStore: (name: string) => QueryableStore | undefined
  /** The tasks that may be read now, by partition; throws when some of those that are asked for are not here. */
  readonly tasks: (
    definition: QueryableDefinition,
    options: StoreQueryOptions,
  ) => Iterable<{ readonly state: TaskState }>
}

/**
 * The view over a store by name. It stays good while tasks come and go: each call asks the tasks that this instance has
 * at that moment. Throws UNKNOWN_STORE when the topology has no such store.
 */
export function queryStore(
  name: string,
  sources: QuerySources,
  options: StoreQueryOptions = {},
): QueryableStore {
  const global = sources.globalStore(name)
  if (global !== undefined) return global
  return viewOf(queryableStore(name, sources.topology).definition, sources, options)
}

/** A store that can be read, and the sub-topology it belongs to. Throws UNKNOWN_STORE when the topology has none of that name. */
export function queryableStore(
  name: string,
  topology: Topology,
): { definition: QueryableDefinition; subtopology: number } {
  const names: string[] = []
  for (const { id: subtopology, stores } of topology.subtopologies) {
    for (const definition of stores.filter(isQueryable)) {
      if (definition.name === name) return { definition, subtopology }
      names.push(definition.name)
    }
  }
  for (const { store } of topology.globalStores) names.push(store.name)
  throw new MillraceError(
    'UNKNOWN_STORE',
    `${topology.applicationId} has no store '${name}'. Its stores are: ${names.join(', ') || 'none'}.`,
  )
}

function viewOf(
  definition: QueryableDefinition,
  sources: QuerySources,
  options: StoreQueryOptions,
): QueryableStore {
  const { kind, name } = definition
  function partitions<S extends QueryableStore>(isKind: (store: QueryableStore) => store is S) {
    return (): S[] =>
      [...sources.tasks(definition, options)].flatMap(({ state }) => {
        const store = storeReader(state, name, options.isolation)
        return store !== undefined && isKind(store) ? [store] : []
      })
  }
  switch (kind) {
    case 'keyValue':
    case 'timestampedKeyValue':
      return keyValueView(name, partitions(isKeyValueStore))
    case 'window':
    case 'timestampedWindow':
      return windowView(name, partitions(isWindowStore))
    case 'versionedKeyValue':
      return versionedView(name, partitions(isVersionedStore))
    case 'session':
      return sessionView(name, partitions(isSessionStore))
    default:
      return kind satisfies never
  }
}

type KeyValues = ReadOnlyKeyValueStore<unknown, unknown>
type Windows = ReadOnlyWindowStore<unknown, unknown>
type Sessions = ReadOnlySessionStore<unknown, unknown>
type Versions = ReadOnlyVersionedKeyValueStore<unknown, unknown>

function keyValueView(name: string, partitions: () => KeyValues[]): KeyValues {
  return {
    name,
    get: key => first(partitions(), store => store.get(key)),
    range: range => concat(partitions(), store => store.range(range)),
    all: () => concat(partitions(), store => store.all()),
    async approximateNumEntries() {
      let entries = 0
      for (const store of partitions()) entries += await store.approximateNumEntries()
      return entries
    },
  }
}

function windowView(name: string, partitions: () => Windows[]): Windows {
  return {
    name,
    fetch: (key, windowStart) => first(partitions(), store => store.fetch(key, windowStart)),
    fetchRange: (key, range) => concat(partitions(), store => store.fetchRange(key, range)),
    fetchAll: range => concat(partitions(), store => store.fetchAll(range)),
    all: () => concat(partitions(), store => store.all()),
  }
}

function sessionView(name: string, partitions: () => Sessions[]): Sessions {
  return {
    name,
    fetchSession: (key, start, end) =>
      first(partitions(), store => store.fetchSession(key, start, end)),
    findSessions: (key, range) => concat(partitions(), store => store.findSessions(key, range)),
    fetchAll: range => concat(partitions(), store => store.fetchAll(range)),
    all: () => concat(partitions(), store => store.all()),
  }
}

function versionedView(name: string, partitions: () => Versions[]): Versions {
  return {
    name,
    get: (key, asOf) => first(partitions(), store => store.get(key, asOf)),
    versions: (key, range) => concat(partitions(), store => store.versions(key, range)),
    all: () => concat(partitions(), store => store.all()),
  }
}

/** A key is in one task only, but which one it is only its partitioner knows. */
function first<S, Row>(stores: readonly S[], read: (store: S) => Row | undefined): Row | undefined {
  for (const store of stores) {
    const row = read(store)
    if (row !== undefined) return row
  }
  return undefined
}

/**
 * The rows of one task after the other, each as of the moment at which its turn comes: so a query that ends early has opened
 * no more than it showed. Kafka Streams' `CompositeKeyValueIterator`.
 */
async function* concat<S, Row>(
  stores: readonly S[],
  rows: (store: S) => AsyncIterable<Row>,
): AsyncIterable<Row> {
  for (const store of stores) yield* rows(store)
}

export const isKeyValueStore = (store: QueryableStore): store is KeyValues => 'range' in store

export const isWindowStore = (store: QueryableStore): store is Windows => 'fetch' in store

export const isSessionStore = (store: QueryableStore): store is Sessions => 'findSessions' in store

export const isVersionedStore = (store: QueryableStore): store is Versions => 'versions' in store
