import { MillraceError } from '../errors.ts'
import { KeyValueStore } from '../state/key-value-store.ts'
import { plainKeyValueStore, plainWindowStore } from '../state/plain-stores.ts'
import { storeReader } from '../state/readers/store-reader.ts'
import { SessionRows } from '../state/session-store.ts'
import type {
  QueryableStore,
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
} from '../state/stores.ts'
import type { TaskState } from '../state/task-state.ts'
import { VersionedStore } from '../state/versioned-store.ts'
import { WindowStore } from '../state/window-store.ts'
import type { StoreDefinition } from '../topology/topology.ts'

/** A global store as others than its own processor see it. */
export interface GlobalStoreView {
  /** With times: for queries. */
  readonly rows: QueryableStore
  /** The interface that the kind promises: for processors. */
  readonly store: unknown
}

/**
 * A global store as tasks and queries see it: they can only read it (Kafka Streams' `AbstractReadOnlyDecorator`). Damage in
 * it is not damage of the task that reads: it stops the application, after `onDamage`, with CORRUPT_DATA.
 */
export function globalStoreView(
  { kind, name }: StoreDefinition,
  state: TaskState,
  onDamage: () => void,
): GlobalStoreView | undefined {
  const store = state.rows(name)
  const guard = new Guard(name, onDamage)
  const rows = storeReader(state, name, 'readUncommitted', error => guard.damaged(error))
  if (rows === undefined) return undefined
  if (store instanceof KeyValueStore) {
    const view = keyValueView(store, guard)
    return { rows, store: kind === 'keyValue' ? plainKeyValueStore(view, noTime) : view }
  }
  if (store instanceof WindowStore) {
    const view = windowView(store, guard)
    return { rows, store: kind === 'window' ? plainWindowStore(view, noTime) : view }
  }
  if (store instanceof SessionRows) return { rows, store: sessionView(store, guard) }
  return store instanceof VersionedStore ? { rows, store: versionedView(store, guard) } : undefined
}

/** Nothing is put. */
const noTime = { timestamp: 0 }

function keyValueView(
  store: KeyValueStore,
  guard: Guard,
): TimestampedKeyValueStore<unknown, unknown> {
  return {
    name: store.name,
    // Written out, because every record of a join comes here.
    get(key) {
      try {
        return store.get(key)
      } catch (error) {
        throw guard.damaged(error)
      }
    },
    rows: range => guard.each(() => store.rows(range)),
    get size() {
      return store.size
    },
    put: () => guard.refuse(),
  }
}

function windowView(store: WindowStore, guard: Guard): TimestampedWindowStore<unknown, unknown> {
  return {
    name: store.name,
    fetch: (key, windowStart) => guard.read(() => store.fetch(key, windowStart)),
    fetchRange: (key, range) => guard.each(() => store.fetchRange(key, range)),
    rows: range => guard.each(() => store.rows(range)),
    get observedTime() {
      return store.observedTime
    },
    put: () => guard.refuse(),
  }
}

function sessionView(store: SessionRows, guard: Guard): SessionStore<unknown, unknown> {
  return {
    name: store.name,
    fetchSession: (key, start, end) => guard.read(() => store.fetchSession(key, start, end)),
    findSessions: (key, range) => guard.each(() => store.findSessions(key, range)),
    rows: range => guard.each(() => store.rows(range)),
    put: () => guard.refuse(),
  }
}

function versionedView(
  store: VersionedStore,
  guard: Guard,
): VersionedKeyValueStore<unknown, unknown> {
  return {
    name: store.name,
    get: (key, asOf) => guard.read(() => store.get(key, asOf)),
    versions: key => guard.each(() => store.versions(key)),
    put: () => guard.refuse(),
    delete: () => guard.refuse(),
  }
}

class Guard {
  readonly #name: string
  readonly #onDamage: () => void

  constructor(name: string, onDamage: () => void) {
    this.#name = name
    this.#onDamage = onDamage
  }

  read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.damaged(error)
    }
  }

  *each<Row>(rows: () => Iterable<Row>): Iterable<Row> {
    try {
      yield* rows()
    } catch (error) {
      throw this.damaged(error)
    }
  }

  damaged(error: unknown): unknown {
    if (!(error instanceof MillraceError) || error.code !== 'TASK_CORRUPTED') return error
    this.#onDamage()
    return new MillraceError(
      'CORRUPT_DATA',
      `The global store ${this.#name} is damaged on disk. Start the application again: it reads the topic anew.`,
      { cause: error },
    )
  }

  refuse(): never {
    throw new MillraceError(
      'PROCESSING_ERROR',
      `The global store ${this.#name} can only be read here. What is in it comes from its topic: write there.`,
    )
  }
}
