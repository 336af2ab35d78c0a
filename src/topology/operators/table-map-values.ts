import type { TablePlan } from '../compile/plan-tables.ts'
import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type Change, type StreamRecord, withValue } from '../record.ts'
import { tableStore } from './table-store.ts'

/** Rows with new values; a tombstone stays one and does not reach the mapper. `KTableMapValues`. */
export function tableMapValues(
  mapper: UserFunction<[value: unknown, key: unknown], unknown>,
  { store: storeName, sendsOldValues }: TablePlan,
): ProcessorSupplier {
  return context => {
    const store =
      storeName === undefined ? undefined : tableStore(context, storeName, sendsOldValues)
    const mapped = (key: unknown, value: unknown): unknown =>
      value === null ? null : (mapper(value, key) ?? null)
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        const { key, value: change, timestamp } = record
        const newValue = mapped(key, change.newValue)
        let oldValue: unknown = null
        if (sendsOldValues) {
          oldValue =
            store === undefined ? mapped(key, change.oldValue) : (store.get(key)?.value ?? null)
        }
        if (store === undefined)
          context.forward(withValue(record, { ...change, newValue, oldValue }))
        else store.update(record, newValue, oldValue, timestamp)
      },
    }
  }
}
