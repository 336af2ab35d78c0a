import type { NodeRule } from '../compile/rule.ts'
import { tableMerge } from '../operators/table-merge.ts'
import { type TableTableJoin, joinedView, tableTableJoin } from '../operators/table-table-join.ts'
import {
  type Materialized,
  emitStore,
  historyRetentionMs,
  isMaterialized,
  keyValueView,
} from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `KTable.join`, `leftJoin` and `outerJoin`: a processor for each side, and one that merges their results. */
export interface TableTableJoinNode
  extends NodeBase<'tableTableJoin'>, Materialized, TableTableJoin {}

export const tableTableJoinRule: NodeRule<TableTableJoinNode> = {
  key: 'settled',
  names(node, counter) {
    const { name } = node
    const isStored = node.store !== undefined || isMaterialized(node)
    const store = isStored ? (node.store ?? counter.generate('KTABLE-MERGE-STATE-STORE-')) : null
    return {
      ...(store !== null && { store }),
      name: counter.name(name, 'KTABLE-MERGE-'),
      left: counter.name(name && `${name}-join-this`, 'KTABLE-JOINTHIS-'),
      right: counter.name(name && `${name}-join-other`, 'KTABLE-JOINOTHER-'),
    }
  },
  serdes: ({ key, value }, [input]) => ({ key: key ?? input?.key, value }),
  planTables(node, { store }, tables) {
    const {
      id,
      parents: [left = -1, right = -1],
      join,
    } = node
    tables.joined(id, [left, right], store, historyRetentionMs(node))
    if (join !== 'inner') tables.requireOldValues(left)
    if (join === 'outer') tables.requireOldValues(right)
    tables.lookUp(left)
    tables.lookUp(right)
  },
  view: (node, store, parent) =>
    store === undefined ? joinedView(node, parent(0), parent(1)) : keyValueView(store),
  emit(node, emission) {
    const { parents, join } = node
    const { name, left = name, right = name } = emission.names
    const { sendsOldValues } = emission.table
    emission.copartition()
    for (const [index, side] of (['left', 'right'] as const).entries()) {
      const other = emission.viewOf(parents[1 - index] ?? -1)
      emission.processor({
        name: side === 'left' ? left : right,
        supplier: tableTableJoin(node, {
          side,
          other,
          sendsOldValues,
          ofVersions: emission.readsVersions(index),
        }),
        stores: other.stores,
        parents: [emission.parentName(index)],
      })
    }
    const stores = emitStore(node, emission, join === 'inner' ? 'join' : `${join}Join`)
    emission.processor({ supplier: tableMerge(emission.table), stores, parents: [left, right] })
  },
}
