import type { NodeRule } from '../compile/rule.ts'
import { tableMapValues } from '../operators/table-map-values.ts'
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

/** `KTable.mapValues`. */
export interface TableMapValuesNode extends NodeBase<'tableMapValues'>, Materialized {
  readonly mapper: UserFunction<[value: unknown, key: unknown], unknown>
}

export const tableMapValuesRule: NodeRule<TableMapValuesNode> = {
  key: 'settled',
  names(node, counter) {
    if (node.store === undefined && isMaterialized(node)) counter.skip()
    return { name: counter.name(node.name, 'KTABLE-MAPVALUES-') }
  },
  serdes: (node, [input]) => ({ key: node.key ?? input?.key, value: node.value }),
  planTables(node, _, tables) {
    const {
      id,
      parents: [parent = -1],
      store,
    } = node
    tables.derived(id, parent, store, historyRetentionMs(node))
  },
  view: ({ mapper }, store, parent) =>
    store === undefined
      ? derivedView(parent(0), (row, key) => mapper(row, key) ?? null)
      : keyValueView(store),
  emit(node, emission) {
    const stores = emitStore(node, emission, 'mapValues')
    emission.processor({ supplier: tableMapValues(node.mapper, emission.table), stores })
  },
}
