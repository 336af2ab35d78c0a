import type { TablePlan } from '../compile/plan-tables.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type Change, type StreamRecord, withValue } from '../record.ts'
import { tableStore } from './table-store.ts'

/**
 * Brings the results of both sides of a join together, and stores them if the join has a store; then the old value is
 * the row that was there, else the one that the side has computed. `KTableKTableJoinMerger`.
 */
export function tableMerge({ store: storeName, sendsOldValues }: TablePlan): ProcessorSupplier {
  return context => {
    const store = tableStore(context, storeName)
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        if (store === undefined) {
          context.forward(record)
          return
        }
        const { key, value, timestamp } = record
        const { newValue } = value
        const oldValue = sendsOldValues ? (store.get(key)?.value ?? null) : null
        store.put(key, newValue, timestamp)
        context.forward(withValue(record, { newValue, oldValue }))
      },
    }
  }
}
