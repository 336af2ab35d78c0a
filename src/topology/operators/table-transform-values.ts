import type { TablePlan, TableView } from '../compile/plan-tables.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type Change, type StreamRecord, withValue } from '../record.ts'
import type { ValueTransformerSupplier } from '../value-transformer.ts'
import { tableStore } from './table-store.ts'

/** Rows with new values that a transformer gives, of deletions too. `KTableTransformValues`. */
export function tableTransformValues(
  supplier: ValueTransformerSupplier,
  { store: storeName, sendsOldValues }: TablePlan,
): ProcessorSupplier {
  return context => {
    const transformer = supplier(context)
    const store =
      storeName === undefined ? undefined : tableStore(context, storeName, sendsOldValues)
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        const { key, value: change, timestamp } = record
        const newValue = transformer.transform(key, change.newValue) ?? null
        let oldValue: unknown = null
        if (sendsOldValues) {
          oldValue =
            store === undefined
              ? (transformer.transform(key, change.oldValue) ?? null)
              : (store.get(key)?.value ?? null)
        }
        if (store === undefined) {
          context.forward(withValue(record, { ...change, newValue, oldValue }))
        } else store.update(record, newValue, oldValue, timestamp)
      },
      close: () => transformer.close?.(),
    }
  }
}

/** Rows that are transformed when they are looked up; those that are not there, too. */
export function transformedView(
  supplier: ValueTransformerSupplier,
  { stores, get }: TableView,
  connected: readonly string[],
): TableView {
  return {
    stores: [...stores, ...connected],
    get(context) {
      const rowOf = get(context)
      const transformer = supplier(context)
      const transformed: typeof rowOf = (key, asOf) => {
        const row = rowOf(key, asOf)
        const value = transformer.transform(key, row?.value ?? null) ?? null
        return value === null ? undefined : { value, timestamp: row?.timestamp ?? -1 }
      }
      return Object.assign(transformed, {
        close() {
          transformer.close?.()
          rowOf.close?.()
        },
      })
    },
  }
}
