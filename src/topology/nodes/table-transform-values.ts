import type { NodeRule } from '../compile/rule.ts'
import { tableTransformValues, transformedView } from '../operators/table-transform-values.ts'
import { type ConnectedStore, storeName } from '../store-builder.ts'
import type { ValueTransformerSupplier } from '../value-transformer.ts'
import { type Materialized, emitStore, historyRetentionMs, keyValueView } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `KTable.transformValues`. */
export interface TableTransformValuesNode extends NodeBase<'tableTransformValues'>, Materialized {
  readonly supplier: ValueTransformerSupplier
  readonly stores: readonly ConnectedStore[]
}

export const tableTransformValuesRule: NodeRule<TableTransformValuesNode> = {
  key: 'settled',
  names: ({ name }, counter) => ({ name: counter.name(name, 'KTABLE-TRANSFORMVALUES-') }),
  serdes: (node, [input]) => ({ key: node.key ?? input?.key, value: node.value }),
  planTables(node, _, tables) {
    const [parent = -1] = node.parents
    tables.derived(node.id, parent, node.store, historyRetentionMs(node))
  },
  view: ({ supplier, stores }, store, parent) =>
    store === undefined
      ? transformedView(supplier, parent(0), stores.map(storeName))
      : keyValueView(store),
  emit(node, emission) {
    const connected = node.stores.map(storeName)
    const stores = [...connected, ...emitStore(node, emission, 'transformValues')]
    const supplier = tableTransformValues(node.supplier, emission.table)
    emission.processor({ supplier, stores })
    for (const store of node.stores) if (typeof store !== 'string') emission.addStore(store)
  },
}
