import type { TablePlan } from '../compile/plan-tables.ts'
import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type Change, type StreamRecord, withValue } from '../record.ts'
import { tableStore } from './table-store.ts'

/**
 * The rows of a table whose predicate is `keep`. A row that fails becomes a tombstone, because it may have passed
 * before; when old values are known, only if it did, except in a versioned table, whose change may be of an earlier version.
 * The predicate is not called for tombstones. `KTableFilter`.
 */
export function tableFilter(
  predicate: UserFunction<[key: unknown, value: unknown], boolean>,
  {
    keep,
    store: storeName,
    sendsOldValues,
    ofVersions,
  }: TablePlan & { keep: boolean; ofVersions: boolean },
): ProcessorSupplier {
  return context => {
    const store =
      storeName === undefined ? undefined : tableStore(context, storeName, sendsOldValues)
    const passed = (key: unknown, value: unknown): unknown =>
      value !== null && predicate(key, value) === keep ? value : null
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        const { key, value: change, timestamp } = record
        const newValue = passed(key, change.newValue)
        let oldValue: unknown = null
        if (sendsOldValues) {
          oldValue =
            store === undefined ? passed(key, change.oldValue) : (store.get(key)?.value ?? null)
          if (oldValue === null && newValue === null && !ofVersions) return
        }
        if (store === undefined)
          context.forward(withValue(record, { ...change, newValue, oldValue }))
        else store.update(record, newValue, oldValue, timestamp)
      },
    }
  }
}
