import type { NodeRule } from '../compile/rule.ts'
import { tableSource } from '../operators/table-source.ts'
import { type Materialized, emitStore, historyRetentionMs, keyValueView } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `KStream.toTable`. */
export interface ToTableNode extends NodeBase<'toTable'>, Materialized {}

export const toTableRule: NodeRule<ToTableNode> = {
  key: 'settled',
  names(node, counter) {
    const name = counter.name(node.name, 'KSTREAM-TOTABLE-')
    const store = node.store ?? counter.generate('KSTREAM-TOTABLE-STATE-STORE-')
    return { name, store, repartitions: counter.repartition(0, name) }
  },
  repartition: ({ id, key, value }) => ({ serdes: { key, value }, owner: id, shared: false }),
  serdes: (node, [input]) => ({
    key: node.key ?? input?.key,
    value: node.value ?? input?.value,
  }),
  planTables: (node, names, tables) =>
    tables.source(node.id, node.store, names.store, historyRetentionMs(node)),
  view: (_, store) => keyValueView(store ?? ''),
  emit(node, emission) {
    const stores = emitStore(node, emission, 'toTable')
    emission.processor({ supplier: tableSource(emission.table), stores })
  },
}
