import type { TableView } from '../compile/plan-tables.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import type { UserFunction } from '../user-function.ts'

export interface TableTableJoin {
  readonly joiner: UserFunction<[left: unknown, right: unknown, key: unknown], unknown>
  /** A left join has a result for every row of the left table, an outer join for every row of either. */
  readonly join: 'inner' | 'left' | 'outer'
}

/**
 * Joins each change of one side with the row that the other side has now. Nothing comes of a change without such a row,
 * unless the join has results for this side alone. The result's timestamp is the larger one of the two rows'.
 * `KTableKTableInnerJoin`, `KTableKTableLeftJoin`, `KTableKTableRightJoin` and `KTableKTableOuterJoin`.
 */
export function tableTableJoin(
  { joiner, join }: TableTableJoin,
  {
    side,
    other: view,
    sendsOldValues,
    ofVersions,
  }: { side: 'left' | 'right'; other: TableView; sendsOldValues: boolean; ofVersions: boolean },
): ProcessorSupplier {
  const otherMayLack = join === 'outer' || (join === 'left' && side === 'left')
  const ownMayLack = join === 'outer' || (join === 'left' && side === 'right')
  const result = (key: unknown, own: unknown, other: unknown): unknown => {
    if (own === null && (other === null || !ownMayLack)) return null
    return (side === 'left' ? joiner(own, other, key) : joiner(other, own, key)) ?? null
  }
  return context => {
    const rowOf = view.get(context)
    return {
      process({ key, value: change, timestamp, headers }: StreamRecord<unknown, Change<unknown>>) {
        if (ofVersions && change.isLatest === false) {
          context.drop('the row has a later version')
          return
        }
        const row = rowOf(key)
        if (row === undefined) {
          if (!otherMayLack || (change.newValue === null && change.oldValue === null)) return
        }
        const other = row === undefined ? null : row.value
        const value: Change<unknown> = {
          newValue: result(key, change.newValue, other),
          oldValue: sendsOldValues ? result(key, change.oldValue, other) : null,
        }
        const time = row === undefined ? timestamp : Math.max(timestamp, row.timestamp)
        context.forward({ key, value, timestamp: time, headers })
      },
      close: () => rowOf.close?.(),
    }
  }
}

/** Rows of a join without a store of its own, joined when they are looked up. */
export function joinedView(
  { joiner, join }: TableTableJoin,
  left: TableView,
  right: TableView,
): TableView {
  return {
    stores: [...new Set([...left.stores, ...right.stores])],
    get(context) {
      const leftOf = left.get(context)
      const rightOf = right.get(context)
      const joined: typeof leftOf = key => {
        const one = leftOf(key)
        if (one === undefined && join !== 'outer') return undefined
        const two = rightOf(key)
        if (two === undefined && (join === 'inner' || one === undefined)) return undefined
        const value = joiner(one?.value ?? null, two?.value ?? null, key) ?? null
        if (value === null) return undefined
        return { value, timestamp: Math.max(one?.timestamp ?? -1, two?.timestamp ?? -1) }
      }
      return Object.assign(joined, {
        close() {
          leftOf.close?.()
          rightOf.close?.()
        },
      })
    },
  }
}
