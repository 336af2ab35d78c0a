import type { NodeRule } from '../compile/rule.ts'
import { tableFilter } from '../operators/table-filter.ts'
import {
  type Materialized,
  derivedView,
  emitStore,
  historyRetentionMs,
  isMaterialized,
  keyValueView,
} from './materialized.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'

/** `KTable.filter` and `filterNot`. */
export interface TableFilterNode extends NodeBase<'tableFilter'>, Materialized {
  readonly predicate: UserFunction<[key: unknown, value: unknown], boolean>
  /** The result of the predicate for rows that stay. */
  readonly keep: boolean
}

export const tableFilterRule: NodeRule<TableFilterNode> = {
  key: 'settled',
  names(node, counter) {
    if (node.store === undefined && isMaterialized(node)) counter.skip()
    return { name: counter.name(node.name, 'KTABLE-FILTER-') }
  },
  serdes: (node, [input]) => ({
    key: node.key ?? input?.key,
    value: node.value ?? input?.value,
  }),
  planTables(node, _, tables) {
    const {
      id,
      parents: [parent = -1],
      store,
    } = node
    tables.derived(id, parent, store, historyRetentionMs(node))
    tables.oldValues(id, parent)
  },
  view: ({ predicate, keep }, store, parent) =>
    store === undefined
      ? derivedView(parent(0), (row, key) => (predicate(key, row) === keep ? row : null))
      : keyValueView(store),
  emit(node, emission) {
    const { predicate, keep } = node
    const stores = emitStore(node, emission, keep ? 'filter' : 'filterNot')
    const ofVersions = emission.readsVersions(0)
    const supplier = tableFilter(predicate, { keep, ofVersions, ...emission.table })
    emission.processor({ supplier, stores })
  },
}
