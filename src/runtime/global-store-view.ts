import { MillraceError } from '../errors.ts'
import { KeyValueStore } from '../state/key-value-store.ts'
import { plainKeyValueStore, plainWindowStore } from '../state/plain-stores.ts'
import { SessionRows } from '../state/session-store.ts'
import type {
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
} from '../state/stores.ts'
import type { TaskState } from '../state/task-state.ts'
import { VersionedStore } from '../state/versioned-store.ts'
import { WindowStore } from '../state/window-store.ts'
import type { StoreDefinition } from '../topology/topology.ts'
import type { QueryableStore } from './queries.ts'

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
  if (store instanceof KeyValueStore) {
    const rows = keyValueView(store, guard)
    return { rows, store: kind === 'keyValue' ? plainKeyValueStore(rows, noTime) : rows }
  }
  if (store instanceof WindowStore) {
    const rows = windowView(store, guard)
    return { rows, store: kind === 'window' ? plainWindowStore(rows, noTime) : rows }
  }
  if (store instanceof SessionRows) {
    const rows = sessionView(store, guard)
    return { rows, store: rows }
  }
  if (store instanceof VersionedStore) {
    const rows = versionedView(store, guard)
    return { rows, store: rows }
  }
  return undefined
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
    all: () => guard.eachLater(() => store.all()),
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
    all: () => guard.eachLater(() => store.all()),
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
    all: () => guard.eachLater(() => store.all()),
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
    all: () => guard.eachLater(() => store.all()),
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

  async *eachLater<Row>(rows: () => AsyncIterable<Row>): AsyncIterable<Row> {
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
