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
  explain?: (error: unknown) => unknown,
): QueryableStore | undefined {
  const store = state.rows(name)
  const rowsOf = (table: RowTable): RowReader => {
    const rows = table.reader(isolation)
    return explain === undefined ? rows : guardedReader(rows, explain)
  }
  const observedTime = (): number => state.observedTime(name, isolation)
  if (store instanceof KeyValueStore) return keyValueReader(store, rowsOf(store.table))
  if (store instanceof WindowStore) return windowReader(store, rowsOf(store.table), observedTime)
  if (store instanceof SessionRows) return sessionReader(store, rowsOf(store.table), observedTime)
  if (!(store instanceof VersionedStore)) return undefined
  const [latest, history] = store.tables
  return versionedReader(store, [rowsOf(latest), rowsOf(history)], observedTime)
}
