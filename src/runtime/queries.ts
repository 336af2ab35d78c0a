import { MillraceError } from '../errors.ts'
import { KeyValueStore } from '../state/key-value-store.ts'
import type {
  KeyValueRow,
  ReadOnlyKeyValueStore,
  ReadOnlyWindowStore,
  ValueAndTimestamp,
  WindowRow,
} from '../state/stores.ts'
import { WindowStore } from '../state/window-store.ts'
import type { Topology } from '../topology/topology.ts'
import type { Task } from './task.ts'

/** A store as a query sees it: the tasks of this instance as one. */
export type QueryableStore =
  ReadOnlyKeyValueStore<unknown, unknown> | ReadOnlyWindowStore<unknown, unknown>

export interface QuerySources {
  readonly topology: Topology
  readonly globalStore: (name: string) => QueryableStore | undefined
  /** The tasks at work now; throws when some are not. */
  readonly tasks: () => Iterable<Task>
}

/**
 * The view over a store by name. It stays good while tasks come and go: each call asks the tasks that this instance has
 * at that moment. Throws UNKNOWN_STORE when the topology has no such store.
 */
export function queryStore(name: string, sources: QuerySources): QueryableStore {
  const global = sources.globalStore(name)
  if (global !== undefined) return global
  const stores = sources.topology.subtopologies.flatMap(subtopology => subtopology.stores)
  const definition = stores.find(store => store.name === name)
  if (definition?.kind === 'timestampedKeyValue') {
    return keyValueView(name, () => partitionsOf(name, sources, isKeyValueStore))
  }
  if (definition?.kind === 'timestampedWindow') {
    return windowView(name, () => partitionsOf(name, sources, isWindowStore))
  }
  const globals = sources.topology.globalStores.map(({ store }) => store)
  const names = [...stores, ...globals].map(store => store.name).join(', ')
  throw new MillraceError(
    'UNKNOWN_STORE',
    `${sources.topology.applicationId} has no store '${name}'. Its stores are: ${names || 'none'}.`,
  )
}

function partitionsOf<S>(
  name: string,
  { tasks }: QuerySources,
  isKind: (store: unknown) => store is S,
): S[] {
  return [...tasks()].flatMap(task => {
    const store = task.state.store(name)
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
    all: () => concat<KeyValueRow<unknown, unknown>>(partitions().map(store => store.all())),
  }
}

function windowView(
  name: string,
  partitions: () => WindowStore[],
): ReadOnlyWindowStore<unknown, unknown> {
  return {
    name,
    fetch: (key, windowStart) => first(partitions(), store => store.fetch(key, windowStart)),
    all: () => concat<WindowRow<unknown, unknown>>(partitions().map(store => store.all())),
  }
}

/** A key is in one task only, but which one it is only its partitioner knows. */
function first<S>(
  stores: readonly S[],
  read: (store: S) => ValueAndTimestamp<unknown> | undefined,
): ValueAndTimestamp<unknown> | undefined {
  for (const store of stores) {
    const row = read(store)
    if (row !== undefined) return row
  }
  return undefined
}

async function* concat<T>(parts: readonly AsyncIterable<T>[]): AsyncIterable<T> {
  for (const part of parts) yield* part
}

function isKeyValueStore(store: unknown): store is KeyValueStore {
  return store instanceof KeyValueStore
}

function isWindowStore(store: unknown): store is WindowStore {
  return store instanceof WindowStore
}
