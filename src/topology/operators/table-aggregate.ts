import type { ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import type { Aggregation } from './aggregate.ts'
import { tableStore } from './table-store.ts'

/** A fold that can be taken back: rows leave a group as well as they join it. */
export interface TableAggregation extends Aggregation {
  readonly subtractor: Aggregation['aggregator']
}

/**
 * Folds the rows of each group: first the old value is subtracted, if the group has an aggregate, then the new one is
 * added, to the initializer's if there is none. An aggregate of null deletes the row. The result's timestamp is the
 * larger one of the change's and the aggregate's before it. `KTableAggregate` and `KTableReduce`.
 */
export function tableAggregate(
  { initializer, aggregator, subtractor }: TableAggregation,
  { store: storeName, sendsOldValues }: { store: string; sendsOldValues: boolean },
): ProcessorSupplier {
  return context => {
    const store = tableStore(context, storeName, sendsOldValues)
    return {
      process(record: StreamRecord<unknown, Change<unknown>>) {
        const { key, timestamp } = record
        const { newValue, oldValue } = record.value
        const row = store.get(key)
        const before = row === undefined ? null : row.value
        let after = before
        let time = timestamp
        if (row !== undefined) time = Math.max(timestamp, row.timestamp)
        if (oldValue !== null && after !== null) after = subtractor(key, oldValue, after) ?? null
        if (newValue !== null) after = aggregator(key, newValue, after ?? initializer()) ?? null
        store.update(record, after, sendsOldValues ? before : null, time)
      },
    }
  }
}
