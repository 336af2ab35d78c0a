import type { TablePlan } from '../compile/plan-tables.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import { tableStore } from './table-store.ts'

/**
 * Brings the results of both sides of a join together, and stores them if the join has a store. The old value is the one
 * that the side has computed, even where the store has another row, as in a join of a table with itself, where one change
 * comes from both sides. `KTableKTableJoinMerger`.
 */
export function tableMerge({ store: storeName, sendsOldValues }: TablePlan): ProcessorSupplier {
  return context => {
    const store =
      storeName === undefined ? undefined : tableStore(context, storeName, sendsOldValues)
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        if (store === undefined) {
          context.forward(record)
          return
        }
        const { newValue, oldValue } = record.value
        store.update(record, newValue, oldValue, record.timestamp)
      },
    }
  }
}
