import { json } from '../../serde/json.ts'
import { long } from '../../serde/numbers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { Aggregation } from '../operators/aggregate.ts'
import {
  type Aggregated,
  aggregateSupplier,
  aggregateView,
  emitAggregateStore,
  tableKey,
  windowsCloseAfterMs,
} from './aggregate-store.ts'
import { historyRetentionMs, isMaterialized } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `count`, `reduce` and `aggregate` of a grouped stream, with or without windows. */
export interface AggregateNode extends NodeBase<'aggregate'>, Aggregated {
  readonly operation: 'count' | 'reduce' | 'aggregate'
  readonly aggregation: Aggregation
  readonly grouping: Grouping
}

/** One `groupBy` or `groupByKey`: aggregations of the same named one share a repartition topic. */
export interface Grouping {
  readonly name?: string | undefined
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
}

export const aggregateRule: NodeRule<AggregateNode> = {
  key: 'settled',
  names(node, counter) {
    const prefix = node.operation === 'reduce' ? 'KSTREAM-REDUCE-' : 'KSTREAM-AGGREGATE-'
    if (skipsNumber(node)) counter.skip()
    const store = node.store ?? counter.generate(`${prefix}STATE-STORE-`)
    const name = counter.name(node.name, prefix)
    return { store, name, repartitions: counter.repartition(0, node.grouping.name ?? store) }
  },
  repartition: ({ grouping }) => ({
    serdes: { key: grouping.key, value: grouping.value },
    owner: grouping,
    shared: grouping.name !== undefined,
  }),
  serdes: (node, [input]) => ({
    key: tableKey(node, recordKey(node, input?.key)),
    value: node.value ?? resultSerde(node, input?.value),
  }),
  planTables: (node, names, tables) =>
    tables.stored(node.id, names.store, historyRetentionMs(node)),
  view: (node, store = '') => aggregateView(node, store),
  windowsCloseAfterMs,
  emit(node, emission) {
    const { sendsOldValues } = emission.table
    const { store = '' } = emission.names
    const key = recordKey(node, emission.input.key)
    const stores = emitAggregateStore(node, emission, { key, call: node.operation })
    const supplier = aggregateSupplier(node.aggregation, node, { store, sendsOldValues })
    emission.processor({ supplier, stores })
  },
}

/** Counts that speak of a store without naming it, but for sliding ones. `TimeWindowedKStreamImpl#count`. */
function skipsNumber(node: AggregateNode): boolean {
  if (node.operation !== 'count' || node.store !== undefined) return false
  const speaksOfStore = isMaterialized(node) || node.retentionMs !== undefined
  return speaksOfStore && node.windows?.kind !== 'sliding'
}

/** A count is a long, a reduced value is one of the values; of an aggregate nothing is known but that it is a value. */
function resultSerde(
  { operation, grouping }: AggregateNode,
  input: Serde<unknown> | undefined,
): Serde<unknown> | undefined {
  if (operation === 'count') return long()
  return operation === 'reduce' ? (grouping.value ?? input) : json()
}

function recordKey(
  { key, grouping }: AggregateNode,
  input: Serde<unknown> | undefined,
): Serde<unknown> | undefined {
  return key ?? grouping.key ?? input
}
