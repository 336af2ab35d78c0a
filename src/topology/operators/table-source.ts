import type { ProcessorSupplier } from '../processor.ts'
import { type Change, withValue } from '../record.ts'
import { tableStore } from './table-store.ts'

/**
 * Turns records into changes of a table: each one overwrites the row of its key, in the order of arrival whatever the
 * timestamps say; a null value deletes it. Without a store nothing is known of the row before. `KTableSource`.
 */
export function tableSource({
  store: storeName,
  sendsOldValues,
}: {
  store: string | undefined
  sendsOldValues: boolean
}): ProcessorSupplier {
  return context => {
    const store =
      storeName === undefined ? undefined : tableStore(context, storeName, sendsOldValues)
    return {
      process(record) {
        const { key, value, timestamp } = record
        if (key === null) {
          context.drop('the key is null')
          return
        }
        if (store === undefined) {
          const change: Change<unknown> = { newValue: value, oldValue: null }
          context.forward(withValue(record, change))
          return
        }
        const oldValue = sendsOldValues ? (store.get(key)?.value ?? null) : null
        store.update(record, value, oldValue, timestamp)
      },
    }
  }
}
