import { MillraceError } from '../../errors.ts'
import { KeyValueStore } from '../key-value-store.ts'
import { guardedReader, type Isolation, type RowReader } from '../row-reader.ts'
import type { RowTable } from '../row-table.ts'
import { SessionRows } from '../session-store.ts'
import type { QueryableStore } from '../stores.ts'
import type { TaskState } from '../task-state.ts'
import { VersionedStore } from '../versioned-store.ts'
import { WindowStore } from '../window-store.ts'
import { keyValueReader } from './key-value-reader.ts'
import { sessionReader } from './session-reader.ts'
import { versionedReader } from './versioned-reader.ts'
import { windowReader } from './window-reader.ts'

/**
 * A store of one task as queries see it; undefined when the task has none of that name, or it is one that operators keep for
 * themselves. `explain` turns what reading throws into what the caller is to see.
 */
export function storeReader(
  state: TaskState,
  name: string,
  isolation: Isolation = 'readUncommitted',
  explain: (error: unknown) => unknown = error => moved(error, name),
): QueryableStore | undefined {
  const store = state.rows(name)
  const rowsOf = (table: RowTable): RowReader => guardedReader(table.reader(isolation), explain)
  const observedTime = (): number => state.observedTime(name, isolation)
  if (store instanceof KeyValueStore) return keyValueReader(store, rowsOf(store.table))
  if (store instanceof WindowStore) return windowReader(store, rowsOf(store.table), observedTime)
  if (store instanceof SessionRows) return sessionReader(store, rowsOf(store.table), observedTime)
  if (!(store instanceof VersionedStore)) return undefined
  const [latest, history] = store.tables
  return versionedReader(store, [rowsOf(latest), rowsOf(history)], observedTime)
}

/** A task may move away while somebody reads a range: it is elsewhere then. Kafka Streams' `StateStoreMigratedException`. */
function moved(error: unknown, store: string): unknown {
  if (!(error instanceof MillraceError) || error.code !== 'CLOSED') return error
  return new MillraceError(
    'STORE_NOT_READY',
    `The task of the store '${store}' was closed while it was read. Ask again: it may be on another instance.`,
    { cause: error },
  )
}
