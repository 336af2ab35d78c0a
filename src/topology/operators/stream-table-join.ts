import type { TableView } from '../compile/plan-tables.ts'
import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { withValue } from '../record.ts'

export interface TableJoin {
  /** The row's key for a record of the stream. */
  readonly keySelector: UserFunction<[key: unknown, value: unknown], unknown>
  readonly joiner: UserFunction<[value: unknown, row: unknown, key: unknown], unknown>
  /** A left join also gives a result, with null for the row, when there is no row or the key is null. */
  readonly join: 'inner' | 'left'
}

/**
 * Looks up a row for each record of the stream, in a versioned table that of the record's time; changes of the table give no
 * results. The result has the stream
 * record's key, timestamp and headers. Null values are dropped, and, by an inner join, null keys.
 * `KStreamKTableJoinProcessor`, for tables and global tables.
 */
export function streamTableJoin(
  { keySelector, joiner, join }: TableJoin,
  view: TableView,
): ProcessorSupplier {
  return context => {
    const rowOf = view.get(context)
    return {
      process(record) {
        const { key, value, timestamp } = record
        if (value === null) {
          context.drop('the value is null')
          return
        }
        const rowKey = keySelector(key, value) ?? null
        if (rowKey === null && join === 'inner') {
          context.drop('the key to join by is null')
          return
        }
        const row = rowKey === null ? null : (rowOf(rowKey, timestamp)?.value ?? null)
        if (row === null && join === 'inner') return
        context.forward(withValue(record, joiner(value, row, key)))
      },
      close: () => rowOf.close?.(),
    }
  }
}
