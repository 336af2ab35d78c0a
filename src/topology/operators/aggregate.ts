import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { tableStore } from './table-store.ts'
import type { EmitStrategy } from './closed-windows.ts'

/** What count, reduce and aggregate have in common. */
export interface Aggregation {
  /** The aggregate of no record. Null for reduce, whose first value is its first aggregate. */
  readonly initializer: UserFunction<[], unknown>
  readonly aggregator: UserFunction<[key: unknown, value: unknown, aggregate: unknown], unknown>
  /** Makes one aggregate of those of two sessions; the one that is merged so far comes first. */
  readonly merger?: UserFunction<[key: unknown, one: unknown, two: unknown], unknown> | undefined
}

export interface AggregationOptions {
  readonly store: string
  readonly sendsOldValues: boolean
  /** Only of windows. `onWindowUpdate` by default. */
  readonly emit?: EmitStrategy | undefined
}

/**
 * Folds the values of each key. The result's timestamp is the largest of the values' since the key was last empty. The
 * old value of a new key is what the initializer gives. `KStreamAggregate` and `KStreamReduce`.
 */
export function aggregate(
  { initializer, aggregator }: Aggregation,
  { store: storeName, sendsOldValues }: AggregationOptions,
): ProcessorSupplier {
  return context => {
    const store = tableStore(context, storeName, sendsOldValues)
    return {
      process(record) {
        const { key, value, timestamp } = record
        if (key === null || value === null) {
          context.drop(key === null ? 'the key is null' : 'the value is null')
          return
        }
        const row = store.get(key)
        const before = row === undefined ? initializer() : row.value
        const after = aggregator(key, value, before) ?? null
        const time = row === undefined ? timestamp : Math.max(timestamp, row.timestamp)
        store.update(record, after, sendsOldValues ? before : null, time)
      },
    }
  }
}
