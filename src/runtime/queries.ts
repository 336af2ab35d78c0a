import { MillraceError } from '../errors.ts'
import { KeyValueStore } from '../state/key-value-store.ts'
import { SessionRows } from '../state/session-store.ts'
import { type QueryableDefinition, isQueryable } from '../state/store-definition.ts'
import type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
} from '../state/stores.ts'
import type { TaskState } from '../state/task-state.ts'
import { VersionedStore } from '../state/versioned-store.ts'
import { WindowStore } from '../state/window-store.ts'
import type { Topology } from '../topology/topology.ts'

/** A store as a query sees it: the tasks of this instance as one. */
export type QueryableStore =
  | ReadOnlyKeyValueStore<unknown, unknown>
  | ReadOnlyWindowStore<unknown, unknown>
  | ReadOnlySessionStore<unknown, unknown>
  | ReadOnlyVersionedKeyValueStore<unknown, unknown>

export interface QuerySources {
  readonly topology: Topology
  readonly globalStore: (name: string) => QueryableStore | undefined
  /** The tasks at work now; throws when some are not. */
  readonly tasks: () => Iterable<{ readonly state: TaskState }>
}

/**
 * The view over a store by name. It stays good while tasks come and go: each call asks the tasks that this instance has
 * at that moment. Throws UNKNOWN_STORE when the topology has no such store.
 */
export function queryStore(name: string, sources: QuerySources): QueryableStore {
  const global = sources.globalStore(name)
  if (global !== undefined) return global
  const stores = sources.topology.subtopologies.flatMap(part => part.stores.filter(isQueryable))
  const definition = stores.find(store => store.name === name)
  if (definition !== undefined) return viewOf(definition, sources)
  const globals = sources.topology.globalStores.map(({ store }) => store)
  const names = [...stores, ...globals].map(store => store.name).join(', ')
  throw new MillraceError(
    'UNKNOWN_STORE',
    `${sources.topology.applicationId} has no store '${name}'. Its stores are: ${names || 'none'}.`,
  )
}

function viewOf({ kind, name }: QueryableDefinition, sources: QuerySources): QueryableStore {
  switch (kind) {
    case 'keyValue':
    case 'timestampedKeyValue':
      return keyValueView(name, () => partitionsOf(name, sources, isKeyValueStore))
    case 'window':
    case 'timestampedWindow':
      return windowView(name, () => partitionsOf(name, sources, isWindowStore))
    case 'versionedKeyValue':
      return versionedView(name, () => partitionsOf(name, sources, isVersionedStore))
    case 'session':
      return sessionView(name, () => partitionsOf(name, sources, isSessionStore))
    default:
      return kind satisfies never
  }
}

function partitionsOf<S>(
  name: string,
  { tasks }: QuerySources,
  isKind: (store: unknown) => store is S,
): S[] {
  return [...tasks()].flatMap(task => {
    const store = task.state.rows(name)
    return isKind(store) ? [store] : []
  })
}

function keyValueView(
  name: string,
  partitions: () => KeyValueStore[],
): ReadOnlyKeyValueStore<unknown, unknown> {
  return {
    name,
    get: key => first(partitions(), store => store.get(key)),
    all: () => concat(partitions(), store => store.all()),
  }
}

function windowView(
  name: string,
  partitions: () => WindowStore[],
): ReadOnlyWindowStore<unknown, unknown> {
  return {
    name,
    fetch: (key, windowStart) => first(partitions(), store => store.fetch(key, windowStart)),
    all: () => concat(partitions(), store => store.all()),
  }
}

function sessionView(
  name: string,
  partitions: () => SessionRows[],
): ReadOnlySessionStore<unknown, unknown> {
  return {
    name,
    fetchSession: (key, start, end) =>
      first(partitions(), store => store.fetchSession(key, start, end)),
    *findSessions(key, range) {
      for (const store of partitions()) yield* store.findSessions(key, range)
    },
    all: () => concat(partitions(), store => store.all()),
  }
}

function versionedView(
  name: string,
  partitions: () => VersionedStore[],
): ReadOnlyVersionedKeyValueStore<unknown, unknown> {
  return {
    name,
    get: (key, asOf) => first(partitions(), store => store.get(key, asOf)),
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

function isKeyValueStore(store: unknown): store is KeyValueStore {
  return store instanceof KeyValueStore
}

function isWindowStore(store: unknown): store is WindowStore {
  return store instanceof WindowStore
}

function isSessionStore(store: unknown): store is SessionRows {
  return store instanceof SessionRows
}

function isVersionedStore(store: unknown): store is VersionedStore {
  return store instanceof VersionedStore
}
