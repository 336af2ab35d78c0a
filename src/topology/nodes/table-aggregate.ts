import { json } from '../../serde/json.ts'
import { long } from '../../serde/numbers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { type TableAggregation, tableAggregate } from '../operators/table-aggregate.ts'
import { type Materialized, emitStore, historyRetentionMs, keyValueView } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `count`, `reduce` and `aggregate` of a grouped table. */
export interface TableAggregateNode extends NodeBase<'tableAggregate'>, Materialized {
  readonly operation: 'count' | 'reduce' | 'aggregate'
  readonly aggregation: TableAggregation
  readonly grouping: TableGrouping
}

/** One `groupBy` of a table: aggregations of the same named one share a repartition topic. */
export interface TableGrouping {
  readonly name?: string | undefined
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

export const tableAggregateRule: NodeRule<TableAggregateNode> = {
  key: 'settled',
  names(node, counter) {
    const store = node.store ?? counter.generate('KTABLE-AGGREGATE-STATE-STORE-')
    const repartition = {
      parent: 0,
      topic: `${node.grouping.name ?? store}-repartition`,
      sink: counter.name(node.name && `${node.name}-sink`, 'KSTREAM-SINK-'),
      source: counter.name(node.name && `${node.name}-source`, 'KSTREAM-SOURCE-'),
    }
    const prefix = node.operation === 'reduce' ? 'KTABLE-REDUCE-' : 'KTABLE-AGGREGATE-'
    return { store, name: counter.name(node.name, prefix), repartitions: [repartition] }
  },
  repartition: ({ grouping }) => ({
    serdes: { key: grouping.key, value: grouping.value },
    owner: grouping,
    shared: grouping.name !== undefined,
    ofChanges: true,
  }),
  serdes: ({ operation, grouping, key, value }) => ({
    key: key ?? grouping.key,
    value: value ?? resultSerde(operation, grouping),
  }),
  planTables: (node, names, tables) =>
    tables.stored(node.id, names.store, historyRetentionMs(node)),
  view: (_, store = '') => keyValueView(store),
  emit(node, emission) {
    const { sendsOldValues } = emission.table
    const { store = '' } = emission.names
    const stores = emitStore(node, emission, node.operation)
    const supplier = tableAggregate(node.aggregation, { store, sendsOldValues })
    emission.processor({ supplier, stores })
  },
}

/** A count is a long, a reduced value is one of the values; of an aggregate nothing is known but that it is a value. */
function resultSerde(
  operation: TableAggregateNode['operation'],
  { value }: TableGrouping,
): Serde<unknown> {
  if (operation === 'count') return long()
  return operation === 'reduce' ? value : json()
}
